/** The loads of all deployments that this gateway has called. They outlive catalogs and end with the process. */
import type { Load } from '@headgate/domain/choice'
import { DeploymentLoad } from '../message/deployment-load.ts'

const idle: Load = Object.freeze({ inFlight: 0, latencyMs: 0 })
/** Those of deployments that are gone make room. */
const LOADS_MAX = 10_000

export class DeploymentLoads {
  readonly #nowMs: () => number
  readonly #loads = new Map<string, DeploymentLoad>()

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Counts a call in; whoever settles it ends it. */
  begin(deploymentId: string): DeploymentLoad {
    let load = this.#loads.get(deploymentId)
    if (load === undefined) {
      load = new DeploymentLoad(this.#nowMs)
      if (this.#loads.size >= LOADS_MAX) this.#forgetIdle()
      this.#loads.set(deploymentId, load)
    }
    load.begin()
    return load
  }

  of(deploymentId: string): Load {
    return this.#loads.get(deploymentId) ?? idle
  }

  #forgetIdle(): void {
    for (const [id, load] of this.#loads) if (load.inFlight === 0) this.#loads.delete(id)
  }
}
