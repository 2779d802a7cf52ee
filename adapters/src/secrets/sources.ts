/** Where secrets come from, by the scheme of their references: the one table there is. */

import { envSecrets } from './env.ts'
import { fileSecrets } from './file.ts'
import { keyVaultSecrets } from './key-vault.ts'
import type { SealedSource, SecretSource } from './resolver.ts'
import { sealedSecrets } from './sealed.ts'
import { secretSealer } from './sealer.ts'

type SecretSettings = {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The folder of `file://`. */
  readonly folder: string | null
  readonly vaults: readonly string[]
  /** Opens `db://`. */
  readonly sealingKey: string | null
}

type SecretSources = Readonly<Record<string, SecretSource>> & { readonly db: SealedSource }

/** @throws Error naming the setting at fault */
export function secretSources({ environment, folder, vaults, sealingKey }: SecretSettings): SecretSources {
  return {
    env: envSecrets(environment),
    file: fileSecrets(folder),
    kv: keyVaultSecrets({ vaults }),
    db: sealedSecrets(sealingKey === null ? null : secretSealer(sealingKey)),
  }
}
