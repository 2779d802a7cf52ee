// Shows that CPU time is read from /proc as proc(5) writes it, for a process and all below it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { parseCoreTicks, parseProcessStat, readProcesses, ticksOfTree } from './process-cpu.ts'

const line = (pid: number, name: string, parentPid: number, times: string) =>
  `${pid} (${name}) S ${parentPid} 1 1 0 -1 4194304 100 200 0 0 ${times} 20 0 11 0 5000 1000000 300\n`

test('a stat line gives own and reaped ticks, whatever the command is called', () => {
  for (const name of ['node', 'a b', 'x) S 1 (y', '))) 9 9 9']) {
    expect(parseProcessStat(line(42, name, 7, '100 50 20 5'))).toEqual({
      pid: 42,
      parentPid: 7,
      ownTicks: 150,
      reapedTicks: 25,
    })
  }
})

test('a line that is no stat line is not taken for one', () => {
  for (const text of ['', 'nonsense', '12 (node', '12 (node) S 1 2'])
    expect(parseProcessStat(text)).toBeNull()
})

test('the ticks of a tree are those of the root and all below it, and of nobody else', () => {
  const stat = (pid: number, parentPid: number, ownTicks: number, reapedTicks = 0) => ({
    pid,
    parentPid,
    ownTicks,
    reapedTicks,
  })
  const all = [stat(1, 0, 1000), stat(10, 1, 5, 2), stat(11, 10, 7), stat(12, 11, 1), stat(20, 1, 400)]
  expect(ticksOfTree(10, all)).toBe(15)
  expect(ticksOfTree(20, all)).toBe(400)
  expect(ticksOfTree(99, all)).toBe(0)
})

test('each core has its own busy, idle and stolen ticks, without interrupts', () => {
  const text = [
    'cpu  10 20 30 40 50 60 70 80 0 0',
    'cpu0 1 2 3 400 5 600 7 8 0 0',
    'cpu1 100 0 50 1 0 0 0 0 0 0',
    'intr 12345',
    '',
  ].join('\n')
  expect(parseCoreTicks(text)).toEqual([
    { busy: 6, idle: 405, stolen: 8 },
    { busy: 150, idle: 1, stolen: 0 },
  ])
})

test('a child that has worked shows in the tree of its parent, while it runs and after', async () => {
  const before = ticksOfTree(process.pid, readProcesses())
  const work = 'const end = performance.now() + 300; while (performance.now() < end); console.log("done");'
  const child = spawn(process.execPath, ['-e', `${work} setInterval(() => {}, 1000)`])
  await once(child.stdout, 'data')
  expect(ticksOfTree(child.pid!, readProcesses())).toBeGreaterThan(3)
  expect(ticksOfTree(process.pid, readProcesses()) - before).toBeGreaterThan(3)
  child.kill()
  await once(child, 'close')
  expect(ticksOfTree(process.pid, readProcesses()) - before).toBeGreaterThan(3)
})
