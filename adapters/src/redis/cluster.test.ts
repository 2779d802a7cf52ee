/**
 * Calls that hold claims of a team and of a quota on different nodes of a real cluster, whatever its nodes do.
 * The tests share the cluster, which takes seconds to start: the last two find a node dead.
 */
import { once } from 'node:events'
import type { Claim } from '@headgate/domain/reservation'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type ClusterNode, type OwnCluster, ownCluster } from '../../../tests/servers/own-cluster.ts'
import { askFor, claimOn } from '../contracts/ledger-contract.ts'
import { eventually } from '../contracts/samples.ts'
import { connectRedis } from './client.ts'
import { redisLedger } from './ledger.ts'

let cluster: OwnCluster
beforeAll(async () => {
  cluster = await ownCluster()
})
afterAll(() => cluster[Symbol.asyncDispose]())

async function open({ deadlineMs = 10_000, lines = [] as string[] } = {}) {
  const log = (_level: string, message: string) => void lines.push(message)
  const client = await connectRedis(cluster.url, { log, connectWaitMs: 5_000 })
  const ledger = redisLedger(client, { log, deadlineMs })
  onTestFinished(async () => {
    ledger.close()
    await client.close()
  })
  return { client, ledger, lines }
}

/** A window of 1000 tokens that lies on this node. */
function windowOn(node: ClusterNode, prefix: 'team' | 'quo'): Claim {
  for (;;) {
    const bucket = `{${prefix}_${crypto.randomUUID()}}:tokens`
    if (cluster.placeOf(`hg:${bucket}`).node === node)
      return claimOn(bucket, { kind: 'window', unit: 'tokens', limit: 1000 })
  }
}

function teamAndQuota() {
  const [teamNode, quotaNode] = [cluster.nodes[0] as ClusterNode, cluster.nodes[1] as ClusterNode]
  const [team, quota] = [windowOn(teamNode, 'team'), windowOn(quotaNode, 'quo')]
  return { team, quota, teamNode, quotaNode, slot: cluster.placeOf(`hg:${team.bucket}`).slot }
}

const fits = (promise: Promise<unknown>) =>
  promise.then(
    () => true,
    () => false,
  )

test('a call is all or nothing over two nodes, and the refusal tells what is left without it', async () => {
  const { ledger } = await open()
  const { team, quota } = teamAndQuota()
  const small = { ...team, limit: 300 }
  const first = askFor([small, quota], 200)
  expect((await ledger.reserve(first)).states.map((it) => it.remaining)).toEqual([100, 800])
  const byTeam = await ledger.reserve(askFor([small, quota], 150))
  expect(byTeam).toMatchObject({ admitted: false, failed: 0 })
  expect(byTeam.states.map((it) => it.remaining)).toEqual([100, 800])
  const byQuota = await ledger.reserve(askFor([{ ...team, limit: 5000 }, quota], 900))
  expect(byQuota).toMatchObject({ admitted: false, failed: 1 })
  expect(byQuota.states.map((it) => it.remaining)).toEqual([4800, 800])
  const byBoth = await ledger.reserve(askFor([small, quota], 1001))
  expect(byBoth).toMatchObject({ admitted: false, failed: 0, waitMs: null })
  expect((await ledger.look([small, quota])).map((it) => it.held)).toEqual([200, 200])
  ledger.settle(first, { sent: true, tokens: 50, quotaId: null })
  await eventually(
    async () => String((await ledger.look([small, quota])).map((it) => it.remaining)) === '250,950',
  )
})

test('two gateways at once take from a quota exactly what the teams admit', async () => {
  const [one, two] = [await open(), await open()]
  const { quota } = teamAndQuota()
  const teams = cluster.nodes.map((node) => windowOn(node, 'team'))
  const verdicts = await Promise.all(
    Array.from({ length: 120 }, (_, i) =>
      (i % 2 ? one : two).ledger.reserve(askFor([{ ...(teams[i % 3] as Claim), limit: 250 }, quota], 50)),
    ),
  )
  const admitted = verdicts.filter((it) => it.admitted).length
  expect(admitted).toBeLessThanOrEqual(15)
  const [left, ...ofTeams] = await one.ledger.look([quota, ...teams.map((it) => ({ ...it, limit: 250 }))])
  expect(left?.remaining).toBe(1000 - 50 * admitted)
  expect(ofTeams.reduce((sum, it) => sum + 250 - it.remaining, 0)).toBe(50 * admitted)
})

test('a slot that has moved is found, and one on the move is a refusal that gives back', async () => {
  const { ledger } = await open()
  const { team, quota, teamNode, slot } = teamAndQuota()
  const target = cluster.nodes[2] as ClusterNode
  expect((await ledger.reserve(askFor([quota], 100))).admitted).toBe(true)
  await target.send('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', teamNode.id)
  await teamNode.send('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', target.id)
  await expect(ledger.reserve(askFor([team, quota], 100))).rejects.toMatchObject({
    code: 'limiter_unavailable',
  })
  await eventually(async () => (await ledger.look([quota]))[0]?.remaining === 900)
  for (const node of [target, teamNode, quotaNodeOf()])
    await node.send('CLUSTER', 'SETSLOT', String(slot), 'NODE', target.id)
  const verdict = await ledger.reserve(askFor([team, quota], 100))
  expect(verdict.states.map((it) => it.remaining)).toEqual([900, 800])
})

const quotaNodeOf = () => cluster.nodes[1] as ClusterNode

test('a node that freezes refuses what is its own, gives back, and is used again after the thaw', async () => {
  const { ledger, lines } = await open({ deadlineMs: 50 })
  const { team, quota, teamNode } = teamAndQuota()
  await eventually(() => fits(ledger.reserve(askFor([team, quota], 10))))
  teamNode.process.kill('SIGSTOP')
  onTestFinished(() => void teamNode.process.kill('SIGCONT'))
  await expect(ledger.reserve(askFor([team, quota], 100))).rejects.toMatchObject({
    code: 'limiter_unavailable',
  })
  await new Promise((done) => setTimeout(done, 4_000))
  teamNode.process.kill('SIGCONT')
  await eventually(() => fits(ledger.reserve(askFor([team, quota], 10))), 15_000)
  await eventually(async () => {
    const held = await ledger.look([team, quota]).catch(() => [])
    return held.length === 2 && held[0]?.held === held[1]?.held
  }, 15_000)
  expect(lines.length, lines.join()).toBeLessThanOrEqual(5)
})

test('a node that dies takes its own slots along and nothing else', async () => {
  const { ledger, lines } = await open()
  const { team, quota, teamNode } = teamAndQuota()
  const elsewhere = windowOn(cluster.nodes[2] as ClusterNode, 'team')
  expect((await ledger.reserve(askFor([team, quota], 100))).admitted).toBe(true)
  teamNode.process.kill('SIGKILL')
  await expect(ledger.reserve(askFor([team, quota], 100))).rejects.toMatchObject({
    code: 'limiter_unavailable',
  })
  await eventually(async () => (await ledger.look([quota]))[0]?.remaining === 900)
  for (let i = 0; i < 25; i++) {
    expect(await fits(ledger.reserve(askFor([elsewhere, quota], 1)))).toBe(true)
    expect(await fits(ledger.reserve(askFor([team, quota], 1)))).toBe(false)
    await new Promise((done) => setTimeout(done, 40))
  }
  await eventually(async () => (await ledger.look([quota]))[0]?.remaining === 875)
  expect(ledger.isAvailable()).toBe(true)
  expect(lines.length).toBeLessThanOrEqual(3)
})

test('a gateway that starts while a node is dead serves from the others', async () => {
  const { team, quota, teamNode } = teamAndQuota()
  if (teamNode.process.kill('SIGKILL')) await once(teamNode.process, 'exit')
  const { ledger, lines } = await open({ deadlineMs: 500 })
  await eventually(() => fits(ledger.reserve(askFor([quota], 10))), 15_000)
  await expect(ledger.reserve(askFor([team, quota], 10))).rejects.toMatchObject({
    code: 'limiter_unavailable',
  })
  expect(await fits(ledger.reserve(askFor([quota], 10)))).toBe(true)
  expect(lines.length, lines.join()).toBeLessThanOrEqual(5)
})
