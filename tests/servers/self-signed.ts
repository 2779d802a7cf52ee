/**
 * A certificate for `localhost` and `mail.example.com` that nobody trusts, with its key, for tests of TLS on
 * loopback. It protects nothing, which is why its key may stand here. Valid until 2126.
 */

export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBVN5WyYhU6FcRynW
NN6A1X1xJ3XdX4XP6QWD3u5xMNWhRANCAARWSgaDADCaV/cZdQVCT4YyhNdPcwBF
LsFhGD9qV6Qf8uDRpj+2g5RIE3gAIjOmRXXKXkGvYxh8RdAGFc2gZf8N
-----END PRIVATE KEY-----
`,
  certificate: `-----BEGIN CERTIFICATE-----
MIIBpzCCAU2gAwIBAgIUPekKzY2rQkH8oCSGsXXwD/d9fGYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzA0MTYzNFoYDzIxMjYxMTAz
MDQxNjM0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARWSgaDADCaV/cZdQVCT4YyhNdPcwBFLsFhGD9qV6Qf8uDRpj+2g5RI
E3gAIjOmRXXKXkGvYxh8RdAGFc2gZf8No3sweTAdBgNVHQ4EFgQUiuR3keMVWbou
LPvVdQphVBeQMfEwHwYDVR0jBBgwFoAUiuR3keMVWbouLPvVdQphVBeQMfEwDwYD
VR0TAQH/BAUwAwEB/zAmBgNVHREEHzAdgglsb2NhbGhvc3SCEG1haWwuZXhhbXBs
ZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIhAK+mGVkBJzdSZEfDY16SSRhMD951A/mA
g3HAd0MkO6BGAiBGjIaYrcgbADODBvnDkqk5T633arkg0U7rSnlZO43jpQ==
-----END CERTIFICATE-----
`,
}
