/**
 * `env://NAME`: secrets from the environment of the process. Since admins choose the name and the value is
 * sent to an address admins choose, the gateway's own settings and credentials must not be reachable so.
 */
import type { SecretSource } from './resolver.ts'

/** Ours, the runtime's and the cloud identity's: beginnings of names that are never given out. */
const REFUSED_BEGINNINGS = [
  ...['HEADGATE_', 'NODE_', 'NPM_', 'LD_', 'PG', 'POSTGRES_', 'REDIS_', 'DATABASE_', 'OTEL_'],
  ...['IDENTITY_', 'MSI_', 'AZURE_CLIENT_', 'AZURE_FEDERATED_', 'KUBERNETES_', 'SSH_', 'GPG_'],
]
const REFUSED_NAMES = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'PWD', 'OLDPWD', 'HOSTNAME', 'LANG', 'TERM', 'TZ'],
  ...['TMPDIR', 'ENV', 'IFS', 'BASH_ENV', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'CI'],
])

/** Why a variable may not be referred to as `env://NAME`, or null when it may. */
function envNameFault(name: string): string | null {
  if (!REFUSED_NAMES.has(name) && !REFUSED_BEGINNINGS.some((text) => name.startsWith(text))) return null
  return `${name} belongs to the gateway or its host and is not given out: name a variable made for the provider's credential`
}

/** A secret source over an environment, as given at the start of the process. */
export function envSecrets(environment: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    read: (name) => {
      const fault = envNameFault(name)
      if (fault !== null) throw new Error(fault)
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      if (value === undefined || value.trim() === '')
        throw new Error(`the environment variable ${name} is not set: set it where the gateway runs`)
      return value
    },
  }
}
