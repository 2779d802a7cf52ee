/**
 * A certificate for `localhost` that nobody trusts, with its key, for tests of TLS on loopback. It protects
 * nothing, which is why its key may stand here. Valid until 2126.
 */

export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/VoGT8xFQT+SPMw/
Hu9S8t/sNY6kW8RR2j5lckDw5dmhRANCAARYdZ1ersVjunPQ5dJvosogNT8Qxx8c
Kk1V/unuDjKGcdLfqWwOvhdDbrTL6CP2QfTconsyhtzzo0hkxSTOOTCu
-----END PRIVATE KEY-----
`,
  certificate: `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIURRLFWpdBrts8mXpK+LsZ/SXy9NowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAwMTMyNFoYDzIxMjYxMDMx
MDAxMzI0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARYdZ1ersVjunPQ5dJvosogNT8Qxx8cKk1V/unuDjKGcdLfqWwOvhdD
brTL6CP2QfTconsyhtzzo0hkxSTOOTCuo2kwZzAdBgNVHQ4EFgQUb8d5GzP+5n2g
4sbpZPS70EMXfNIwHwYDVR0jBBgwFoAUb8d5GzP+5n2g4sbpZPS70EMXfNIwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgDD2e98UCPoK1k33qfQyBgqbTtyD0wLJkk1Z7cTWXGLkCIAuU9cszk0ri
dZNAsJu0F9CsP5QTCdO6b+i1eCNu8OOQ
-----END CERTIFICATE-----
`,
}
