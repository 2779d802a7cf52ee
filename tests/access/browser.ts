/** As much of a browser as a sign-in needs: cookies of one host, redirects by hand, and the forms of the provider. */

export class Browser {
  /** All hosts of the tests are 127.0.0.1, which browsers give one jar whatever the port. */
  cookies = new Map<string, string>()

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    if (cookie !== '') headers.set('cookie', cookie)
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return answer
  }

  /** A write as our own page sends it. */
  async write(method: string, url: string, origin: string): Promise<Response> {
    const me = (await (await this.fetch(`${origin}/api/v1/me`)).json()) as { csrf_token: string }
    const headers = { origin, 'sec-fetch-site': 'same-origin', 'x-csrf-token': me.csrf_token }
    return this.fetch(url, { method, headers })
  }

  /** From our address through the provider's pages to the address it sends back to. */
  async toCallback(url: string, account: string, adminUrl: string): Promise<string> {
    // Whoever signs in anew is asked anew who they are.
    for (const name of this.cookies.keys()) if (!name.startsWith('headgate')) this.cookies.delete(name)
    let answer = await this.fetch(url)
    for (let step = 0; step < 20; step++) {
      const location = answer.headers.get('location')
      if (location !== null) {
        const next = new URL(location, answer.url).href
        if (next.startsWith(`${adminUrl}/sign-in/callback`)) return next
        answer = await this.fetch(next)
        continue
      }
      const page = await answer.text()
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
      if (action === undefined) throw new Error(`no form at ${answer.url}: ${page.slice(0, 300)}`)
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? 'login'
      const body = new URLSearchParams(
        prompt === 'login' ? { prompt, login: account, password: 'x' } : { prompt },
      )
      answer = await this.fetch(new URL(action, answer.url).href, { method: 'POST', body })
    }
    throw new Error('the provider never sent us back')
  }

  /** From the address that a device shows to the page that says it is done; whatever is asked is answered with yes. */
  async approveDevice(url: string, account: string): Promise<string> {
    let answer = await this.fetch(url)
    for (let step = 0; step < 20; step++) {
      const location = answer.headers.get('location')
      if (location !== null) {
        answer = await this.fetch(new URL(location, answer.url).href)
        continue
      }
      const page = await answer.text()
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
      if (action === undefined || page.includes('Sign-in Success')) return page
      const body = new URLSearchParams({ confirm: 'yes' })
      for (const [, tag = ''] of page.matchAll(/<input([^>]*)>/g)) {
        const name = /name="([^"]+)"/.exec(tag)?.[1]
        if (name !== undefined) body.set(name, /value="([^"]*)"/.exec(tag)?.[1] ?? '')
      }
      if (body.has('login')) body.set('login', account)
      if (body.has('password')) body.set('password', 'x')
      answer = await this.fetch(new URL(action, answer.url).href, { method: 'POST', body })
    }
    throw new Error('the provider asks on and on')
  }

  async throughProvider(url: string, account: string, adminUrl: string): Promise<Response> {
    return this.fetch(await this.toCallback(url, account, adminUrl))
  }
}
