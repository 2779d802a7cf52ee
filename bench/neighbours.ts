/**
 * Watches one run: what the gateway used, how full the cores were, and how much of them went to processes that
 * are not part of the bench. The rule by which a run is discarded is fixed here, before any figure is looked at.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { PINNING_PROGRAM } from './child.ts'
import { type CoreTicks, type ProcessStat, readCores, readProcesses, ticksOfTree } from './process-cpu.ts'

/** Gateway and nginx run on this core, everything else of the bench on the other. */
export const GATEWAY_CORE = 0
export const LOAD_CORE = 1

/**
 * Puts this process on a core; everything it starts later inherits that.
 * @throws Error that says what is missing
 */
export function moveToCore(core: number): void {
  if (process.platform !== 'linux') throw new Error('the bench reads /proc and pins cores: it needs Linux')
  if (cpus().length < 2) {
    throw new Error('the bench needs two cores: one for the gateway, one for the load')
  }
  try {
    execFileSync(PINNING_PROGRAM, ['-acp', String(core), String(process.pid)], { stdio: 'ignore' })
  } catch {
    throw new Error(
      `core ${core} cannot be chosen: ${PINNING_PROGRAM} (util-linux) is missing, or the core is not ours to use`,
    )
  }
}

/** A run is discarded when others took more than this share of a core during it, the hypervisor included. */
export const NEIGHBOUR_MAX = { gatewayCore: 0.05, loadCore: 0.1 } as const

export type Sample = {
  readonly atNanos: number
  readonly processes: readonly ProcessStat[]
  readonly cores: readonly CoreTicks[]
}

/** What one run used. Shares are of one core: 1 is all of it. */
export type Use = {
  readonly gatewaySeconds: number
  readonly gatewayShare: number
  readonly loadShare: number
  readonly neighbourShare: { readonly gatewayCore: number; readonly loadCore: number }
}

/** The machine as it is now. */
export function takeSample(): Sample {
  return { atNanos: Number(process.hrtime.bigint()), processes: readProcesses(), cores: readCores() }
}

/**
 * What was used between two samples.
 * @param pids the gateway under test (null when there is none) and the bench, which started everything else
 */
export function useBetween(
  before: Sample,
  after: Sample,
  pids: { gateway: number | null; bench: number; ticksPerSecond: number },
): Use {
  const seconds = (after.atNanos - before.atNanos) / 1e9
  const ticks = seconds * pids.ticksPerSecond
  const tree = (pid: number) => ticksOfTree(pid, after.processes) - ticksOfTree(pid, before.processes)
  const gateway = pids.gateway === null ? 0 : tree(pids.gateway)
  const rest = tree(pids.bench) - gateway
  const others = (core: number, ours: number) => {
    const from = before.cores[core]
    const to = after.cores[core]
    if (from === undefined || to === undefined) return 0
    return Math.max(0, to.busy - from.busy + to.stolen - from.stolen - ours) / ticks
  }
  return {
    gatewaySeconds: gateway / pids.ticksPerSecond,
    gatewayShare: gateway / ticks,
    loadShare: rest / ticks,
    neighbourShare: { gatewayCore: others(GATEWAY_CORE, gateway), loadCore: others(LOAD_CORE, rest) },
  }
}

/**
 * Why a run may not be believed, in words; null when it may.
 * @param usesGatewayCore false for a run without a gateway: what happens on that core does not touch it
 */
export function disturbance(use: Use, usesGatewayCore: boolean): string | null {
  const { gatewayCore, loadCore } = use.neighbourShare
  const share = (value: number) => `${(value * 100).toFixed(0)} %`
  if (usesGatewayCore && gatewayCore > NEIGHBOUR_MAX.gatewayCore) {
    return `others used ${share(gatewayCore)} of core ${GATEWAY_CORE}`
  }
  if (loadCore > NEIGHBOUR_MAX.loadCore) return `others used ${share(loadCore)} of core ${LOAD_CORE}`
  return null
}
