/** `db://name`: secrets that came sealed with the catalog, opened where they are used. */
import type { SecretSealer } from '@headgate/domain/ports'
import type { SealedSource } from './resolver.ts'

/** @param sealer null where no sealing key is set: what is asked for then says so */
export function sealedSecrets(sealer: SecretSealer | null): SealedSource {
  let known = new Map<string, string>()
  return {
    take: (secrets) => {
      const now = new Map(secrets.map(({ name, sealed }) => [name, sealed]))
      const names = new Set([...known.keys(), ...now.keys()])
      const changed = [...names].filter((name) => known.get(name) !== now.get(name))
      known = now
      return changed
    },
    read: (name) => {
      if (sealer === null)
        throw new Error('no sealing key is set: set HEADGATE_SEALING_KEY where the gateway runs')
      const sealed = known.get(name)
      if (sealed === undefined)
        throw new Error(
          `there is no stored secret ${name}: create it with POST /secrets, or correct the reference`,
        )
      return sealer.open(name, sealed)
    },
  }
}
