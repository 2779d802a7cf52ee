/**
 * `kv://vault/name[/version]`: secrets in Azure Key Vault, read with the identity of the process through Azure's
 * own SDK, which is large and is loaded when the first such reference is read. Only vaults that the settings
 * name are asked: an admin who may write references must not choose where our identity goes.
 */
import type { TokenCredential } from '@azure/identity'
import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets'
import type { SecretSource } from './resolver.ts'

export type KeyVaultPlan = {
  /** Names of vaults, as in `https://name.vault.azure.net`. */
  readonly vaults: readonly string[]
  /** Where a vault is; another one for other clouds. */
  readonly urlOf?: (vault: string) => string
  /** The identity of the process when left out. */
  readonly credential?: TokenCredential
  readonly clientOptions?: SecretClientOptions
}

export function keyVaultSecrets(plan: KeyVaultPlan): SecretSource {
  const { vaults, urlOf = (vault: string) => `https://${vault}.vault.azure.net` } = plan
  const clients = new Map<string, Promise<SecretClient>>()
  return {
    read: async (rest) => {
      const [vault = '', name = '', version] = rest.split('/')
      if (!vaults.includes(vault))
        throw new Error(`the vault ${vault} is not one of HEADGATE_KEY_VAULTS: add it where the gateway runs`)
      let client = clients.get(vault)
      if (client === undefined) {
        client = openClient(urlOf(vault), plan)
        clients.set(vault, client)
        // A client that could not be made is made anew the next time.
        client.catch(() => clients.delete(vault))
      }
      try {
        const { value } = await (await client).getSecret(name, version === undefined ? {} : { version })
        return value ?? ''
      } catch (fault) {
        throw new Error(`Key Vault ${vault} does not give ${name}: ${faultText(fault)}`, { cause: fault })
      }
    },
  }
}

async function openClient(url: string, { credential, clientOptions }: KeyVaultPlan): Promise<SecretClient> {
  const [{ SecretClient }, { DefaultAzureCredential }] = await Promise.all([
    import('@azure/keyvault-secrets'),
    import('@azure/identity'),
  ])
  // The resolver asks again by itself; the SDK's own tries would outlast its deadline.
  const options: SecretClientOptions = { retryOptions: { maxRetries: 1 }, ...clientOptions }
  return new SecretClient(url, credential ?? new DefaultAzureCredential(), options)
}

/** The status and code; messages of the SDK may hold tokens and addresses. */
function faultText(fault: unknown): string {
  const { statusCode, code, name } = (fault ?? {}) as { statusCode?: unknown; code?: unknown; name?: unknown }
  return [statusCode, code ?? name]
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(' ')
}
