/**
 * Load tools are the loader and the mock upstream a bench runs with: our own, or prebuilt `mock` and `probe`
 * programs from a folder (`--tools`). The latter cost less of core 1 and so can fill faster gateways; both speak
 * the same, so the rest of the bench cannot tell them apart.
 */
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from './child.ts'
import { freePort, listens } from './free-port.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import { probeArguments, probeSeconds, resultOfProbe } from './probe-output.ts'

const START_TIMEOUT_MS = 10_000
/** How much longer than planned a run may take before it is given up. */
const GRACE_MS = 15_000

export type Upstream = { readonly port: number; stop(): Promise<void> }

/** A run under way. `measuring` resolves when its warm-up is over; `result` at its end. */
export type Run = {
  readonly measuring: Promise<void>
  readonly result: Promise<LoadResult>
  stop(): Promise<void>
}

export type LoadTools = {
  readonly about: string
  startUpstream(): Promise<Upstream>
  startRun(plan: LoadPlan): Promise<Run>
}

/**
 * The loader and mock upstream of this folder, run by the Node that runs the bench.
 * @param core where they run; null leaves the choice to the kernel
 */
export function ownTools(core: number | null): LoadTools {
  const startNode = (name: string, file: URL, ...args: string[]): Promise<Child> =>
    startChild({ name, core, command: process.execPath, args: [fileURLToPath(file), ...args] })
  return {
    about: 'own (Node)',
    async startUpstream() {
      const child = await startNode('mock upstream', new URL('./mock-upstream.ts', import.meta.url))
      const line = await child.line('listening ', START_TIMEOUT_MS)
      return { port: Number(line.split(' ')[1]), stop: () => child.stop() }
    },
    async startRun(plan) {
      const child = await startNode('loader', new URL('./load.ts', import.meta.url), JSON.stringify(plan))
      const measuring = child.line('measuring', planMs(plan)).then(() => undefined)
      const result = measuring
        .then(() => child.line('{', planMs(plan)))
        .then((line) => JSON.parse(line) as LoadResult)
      return { measuring, result, stop: () => child.stop() }
    },
  }
}

/**
 * Prebuilt tools.
 * @param folder holds the programs `mock` and `probe`
 * @throws Error when one of them is not there
 */
export function toolsIn(folder: string, core: number | null): LoadTools {
  for (const name of ['mock', 'probe']) {
    try {
      accessSync(join(folder, name), constants.X_OK)
    } catch {
      throw new Error(
        `--tools: ${join(folder, name)} is not there or cannot be run: build mock and probe first`,
      )
    }
  }
  return {
    about: 'prebuilt mock and probe',
    async startUpstream() {
      const port = await freePort()
      const command = join(folder, 'mock')
      const child = await startChild({ name: 'mock', core, command, args: ['-p', String(port)] })
      if (!(await listens(port, START_TIMEOUT_MS, child.ended))) {
        await child.stop()
        throw new Error(`mock did not start: ${child.lastWords()}`)
      }
      return { port, stop: () => child.stop() }
    },
    async startRun(plan) {
      const command = join(folder, 'probe')
      const child = await startChild({ name: 'probe', core, command, args: probeArguments(plan) })
      // The probe says nothing when its warm-up ends; it begins at once, so the clock tells. The
      // window in which CPU is counted must be the one in which it counts requests.
      const measuring = new Promise<void>((resolve) =>
        setTimeout(resolve, probeSeconds(plan.warmUpSeconds) * 1000),
      )
      const result = child.line('{', planMs(plan)).then((line) => resultOfProbe(line))
      return { measuring, result, stop: () => child.stop() }
    },
  }
}

function planMs(plan: LoadPlan): number {
  return (plan.warmUpSeconds + plan.seconds) * 1000 + GRACE_MS
}
