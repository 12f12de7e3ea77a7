// `xiaozhi-agent serve`: the local server, as a process of its own.
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { autoFormat, createLog } from '../log.ts';
import { startServer } from '../server/parrot.ts';
import { chooseCodec } from './codec.ts';
import { EXIT, Stop } from './exit.ts';
import { readToken } from './token.ts';

/** The port that self-hosted servers of this protocol use. */
const DEFAULT_PORT = '8000';

export async function serve(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: DEFAULT_PORT },
      'token-file': { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Stop(EXIT.usage, `--port takes a number from 0 (a free one) to 65535, not "${values.port}"`);
  const log = createLog({
    level: values.verbose ? 'debug' : 'info',
    format: autoFormat(process.env, process.stdout.isTTY),
  });
  const codec = await chooseCodec('auto', log);
  const tokenFile = values['token-file'];
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  const server = await startServer({
    host: values.host,
    port,
    codec,
    clock,
    log,
    ...(token === undefined ? {} : { token }),
  }).catch((error: Error) => {
    throw new Stop(EXIT.failed, `cannot listen on ${values.host} port ${port}: ${error.message}`);
  });
  const end = () => void server.stop().then(() => process.exit(EXIT.ok));
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}
