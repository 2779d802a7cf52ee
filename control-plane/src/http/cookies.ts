/** Cookies of the admin server: read strictly, written so that no page and no other host can read or set them. */

/** With the prefix, browsers take it from this very host over TLS alone. Without TLS there is only evaluation. */
export function cookieName(name: 'headgate' | 'headgate-sign-in', adminUrl: string): string {
  return adminUrl.startsWith('https:') ? `__Host-${name}` : name
}

/** The value of a cookie; undefined when there is none, or more than one, of which somebody else set one. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
  const [only] = values
  return values.length === 1 && only !== undefined && /^[A-Za-z0-9_-]{43}$/.test(only) ? only : undefined
}

/** Writes one; `value` empty takes it away. Lax, because the provider sends browsers back to us. */
export function setCookie(name: string, value: string, maxAgeSeconds: number): string {
  const secure = name.startsWith('__Host-') ? '; Secure' : ''
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${value === '' ? 0 : maxAgeSeconds}${secure}`
}
