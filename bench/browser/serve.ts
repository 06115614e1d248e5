/** `npm run bench:browser`: serves the page until it is stopped. `PORT` names the port. */
import { serveBench } from './site.js'

const { port } = await serveBench(Number(process.env.PORT ?? 0))
console.log(`http://localhost:${port}/         cross-origin isolated`)
console.log(`http://localhost:${port}/plain/   not isolated`)
