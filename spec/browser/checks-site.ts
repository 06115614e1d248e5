/** The site of the pages that run the checks: their texts, the build, the golden packets, and WebSockets beside them. */
import { BUILD, type Page, texts } from './bundle.js'
import { ISOLATED, type Site, type SiteOptions, serve } from './site.js'
import { serveSockets } from './sockets.js'

const GOLDEN = new URL('../fixtures/golden/v1/', BUILD)

/** Serves until it is closed. `policy`: headers of every page beside those of its isolation. */
export async function serveChecks(
  pages: readonly Page[],
  policy: Readonly<Record<string, string>> = {},
  posts?: SiteOptions['posts'],
): Promise<Site> {
  const site = await serve({
    texts: await texts(pages),
    folders: { '/dist/': BUILD, '/golden/': GOLDEN },
    headers: path => ({ ...(path.startsWith('/isolated/') ? ISOLATED : {}), ...policy }),
    ...(posts && { posts }),
  })
  const stopSockets = await serveSockets(site.server)
  const close = () => {
    stopSockets()
    site.close()
  }
  return { ...site, close }
}
