/** A free port is one nobody listens on now. For programs that cannot be told to choose for themselves. */
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** True as soon as something listens on the port; false when nothing does within the time, or `stop` resolves. */
export async function listens(port: number, timeoutMs: number, stop: Promise<void>): Promise<boolean> {
  let stopped = false
  void stop.then(() => {
    stopped = true
  })
  const until = performance.now() + timeoutMs
  while (!stopped && performance.now() < until) {
    if (await accepts(port)) return true
    await sleep(50)
  }
  return false
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
