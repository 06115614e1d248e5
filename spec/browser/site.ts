/** A server of pages on this machine alone: given texts, and the files of given folders. */
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { ECHO } from './page/checks.js'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
}

/** What makes a page cross-origin isolated, its frames and workers too. */
export const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

export interface SiteOptions {
  /** Texts by their path. */
  readonly texts: ReadonlyMap<string, string>
  /** Folders by the path under which their files lie; both end in a slash. */
  readonly folders: Readonly<Record<string, URL>>
  /** Headers of a path beside its type. */
  readonly headers?: (path: string) => Readonly<Record<string, string>>
  /** Takes what is posted to a path. */
  readonly posts?: Readonly<Record<string, (body: string) => void>>
  /** Default: any that is free. */
  readonly port?: number
}

export interface Site {
  readonly port: number
  /** For WebSockets on the same port. */
  readonly server: Server
  close(): void
}

/** Serves until it is closed. */
export async function serve({
  texts,
  folders,
  headers = () => ({}),
  posts = {},
  port = 0,
}: SiteOptions): Promise<Site> {
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    const content = texts.get(path) ?? (await fileOf(path, folders))
    if (content === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, {
      'content-type': path.endsWith('/')
        ? TYPES['.html']!
        : (TYPES[extname(path)] ?? 'application/octet-stream'),
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'max-age=600',
      ...headers(path),
    })
    response.end(content)
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (request.method === 'POST' && pathname === ECHO) {
      request.pipe(response)
      return
    }
    const take = posts[pathname]
    if (request.method === 'POST' && take !== undefined) {
      text(request)
        .then(take)
        .finally(() => response.end())
      return
    }
    answer(pathname, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function fileOf(path: string, folders: SiteOptions['folders']): Promise<Buffer | undefined> {
  for (const [prefix, folder] of Object.entries(folders)) {
    if (!path.startsWith(prefix)) continue
    const file = new URL(`./${path.slice(prefix.length)}`, folder)
    // The parser of URLs has resolved every `..` already; what is left outside was escaped.
    if (!file.href.startsWith(folder.href)) return undefined
    return readFile(file).catch(() => undefined)
  }
  return undefined
}
