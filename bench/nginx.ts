/**
 * nginx `proxy_pass` is the yardstick: what a good proxy costs that does nothing but pass bytes on. One worker,
 * keep-alive on both sides, no logs, no temporary files, and no buffering of streams.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Candidate, CHAT_PATH } from './candidate.ts'
import { PLAIN_ENVIRONMENT, startChild } from './child.ts'
import { freePort, listens } from './free-port.ts'
import { GATEWAY_CORE } from './neighbours.ts'

const STREAM_PREFIX = '/unbuffered'
const START_TIMEOUT_MS = 5000

export const nginx: Candidate = {
  name: 'nginx',
  async start(upstreamPort, folder) {
    const about = nginxVersion()
    const port = await freePort()
    const file = join(folder, 'nginx.conf')
    mkdirSync(join(folder, 'temp'), { recursive: true })
    writeFileSync(file, nginxConfig({ port, upstreamPort, folder, root: process.getuid?.() === 0 }))
    const child = await startChild({
      name: 'nginx',
      core: GATEWAY_CORE,
      command: 'nginx',
      args: ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
    })
    if (!(await listens(port, START_TIMEOUT_MS, child.ended))) {
      const reason = child.lastWords()
      await child.stop()
      throw new Error(`nginx did not start: ${reason}`)
    }
    return {
      host: '127.0.0.1',
      port,
      path: { json: CHAT_PATH, stream: `${STREAM_PREFIX}${CHAT_PATH}` },
      headers: {},
      pid: child.pid,
      about,
      stop: () => child.stop(),
    }
  },
}

/** @throws Error when nginx is not installed */
function nginxVersion(): string {
  try {
    // nginx prints its version on standard error.
    return execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8', env: PLAIN_ENVIRONMENT })
      .trim()
      .replace('nginx version: ', '')
  } catch {
    throw new Error(
      'nginx is not installed, so there is nothing to compare with: apt-get install -y nginx-light',
    )
  }
}

/** The whole configuration; a file of its own, so that nothing of the machine's nginx is read or written. */
function nginxConfig(it: { port: number; upstreamPort: number; folder: string; root: boolean }): string {
  const temp = (name: string) => `${name}_temp_path "${it.folder}/temp/${name}";`
  return `daemon off;
worker_processes 1;
pid "${it.folder}/nginx.pid";
error_log stderr error;
${it.root ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  access_log off;
  server_tokens off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 32m;
  client_body_buffer_size 1m;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(temp).join('\n  ')}
  upstream mock {
    server 127.0.0.1:${it.upstreamPort};
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
  }
  server {
    listen 127.0.0.1:${it.port} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location ${STREAM_PREFIX}/ {
      proxy_buffering off;
      proxy_read_timeout 600s;
      proxy_pass http://mock/;
    }
    location / { proxy_pass http://mock; }
  }
}
`
}
