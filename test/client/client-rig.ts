// The class against a real server on loopback, with a clock moved by hand: sockets are real, minutes pass in no time. What
// it tells is written down in order. Knows nothing of what any test is about.
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import { type ClientEvents, type ClientOptions, XiaozhiClient } from '../../src/client.ts';
import type { Clock, Dialer, Loss } from '../../src/ports.ts';
import { keptLog, until } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
import {
  type Admit,
  type Script,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

export const IDENTITY = {
  token: 'test-token',
  deviceId: '02:00:00:00:00:01',
  clientId: '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10',
};

/** What the test that is running has begun, newest last. */
const begun: (() => Promise<void>)[] = [];

/** For `afterEach`: ends whatever the test has begun, when it failed half-way too. */
export async function endAll(): Promise<void> {
  for (const end of begun.splice(0).reverse()) await end();
}

export async function startServer(script: Script): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  begun.push(() => server.stop());
  return server;
}

type Told = { readonly [E in keyof ClientEvents]: { readonly name: E; readonly news: ClientEvents[E] } };

export type Rig = ReturnType<typeof clientRig>;

export function clientRig(
  url: string,
  options: Partial<ClientOptions> = {},
  wire: (clock: Clock) => Dialer = (clock) => wsDialer({ clock }),
) {
  const clock = handClock();
  const log = keptLog();
  const told: Told[keyof Told][] = [];
  const client = new XiaozhiClient({ url, ...IDENTITY, log, ...options }, { clock, dialer: wire(clock) });
  client
    .on('connected', (...news) => told.push({ name: 'connected', news }))
    .on('authenticated', (...news) => told.push({ name: 'authenticated', news }))
    .on('disconnected', (...news) => told.push({ name: 'disconnected', news }))
    .on('reconnected', (...news) => told.push({ name: 'reconnected', news }))
    .on('message', (...news) => told.push({ name: 'message', news }))
    .on('audio', (...news) => told.push({ name: 'audio', news }))
    .on('error', (...news) => told.push({ name: 'error', news }));

  begun.push(async () => {
    // Not waited for: a test that failed half-way may have left a wire that never reports its end.
    void client.disconnect();
    clock.advance(2_000);
  });

  const names = () => told.map(({ name }) => name);
  const isState = (state: string) => until(() => client.status().state === state, `the client is ${state}`);
  return {
    client,
    clock,
    log,
    told,
    names,
    isState,
    count: (name: string) => names().filter((one) => one === name).length,
    errors: () => told.flatMap((one) => (one.name === 'error' ? [...one.news] : [])),
    losses: (): readonly Loss[] => told.flatMap((one) => (one.name === 'disconnected' ? [...one.news] : [])),
    delayMs: () => client.status().nextAttemptInMs,
    /** Waits out the delay that goes on or is about to begin; resolves when the attempt after it has ended. */
    async attempt(): Promise<void> {
      await isState('waiting');
      const { attempt, nextAttemptInMs } = client.status();
      clock.advance(nextAttemptInMs ?? 0);
      await until(
        () => {
          const { attempt: now, state } = client.status();
          return now > attempt && state !== 'dialing' && state !== 'greeting';
        },
        `the end of attempt ${attempt + 1}`,
      );
    },
  };
}

/** Answers the hello, and then leaves the connection to the test. */
export const greets: Script = async (session: Session) => {
  await session.next('hello');
  session.hello();
};

/** Refuses these upgrades, counted from 0, with a status that means trouble of the moment. */
export function refusing(which: (index: number) => boolean, script: Script = greets): Script {
  const admit: Admit = (_request, index) => (which(index) ? { refuse: 500 } : 'accept');
  return Object.assign((session: Session) => script(session), { admit });
}

/** So many upgrades have been asked for, and no more are on their way: whatever was dialled before this came first. */
export async function attemptsAt(server: ScriptedServer): Promise<number> {
  const before = server.attempts;
  const witness = new XiaozhiClient({ url: server.url });
  const connected = witness.connect();
  await until(() => server.attempts > before, 'the witness was there');
  await witness.disconnect();
  await connected;
  return server.attempts - 1;
}

export async function sessionOf(server: ScriptedServer, at: number): Promise<Session> {
  await until(() => server.sessions.length > at, `session ${at}`);
  const session = server.sessions[at];
  if (session === undefined) throw new Error(`no session ${at}`);
  return session;
}

/** A real wire whose ends nobody is told of while `deaf` says so; `missed` counts those. */
export function deafWire(deaf: () => boolean) {
  const seen = { missed: 0 };
  const wire = (clock: Clock): Dialer => {
    const dialer = wsDialer({ clock });
    return {
      dial: (request, on) =>
        dialer.dial(request, {
          ...on,
          closed(loss) {
            if (!deaf()) return on.closed(loss);
            seen.missed += 1;
          },
        }),
    };
  };
  return { wire, seen };
}
