// What a daemon does when its server resets, hangs up, says goodbye, is restarted, or is silent at a press: real
// daemons as processes of their own, each with a server of its own here, all moments by this process's clock.
import { setTimeout as pause } from 'node:timers/promises';
import { isListenStart } from '../helpers/good-conversation.ts';
import { Inbox } from '../helpers/inbox.ts';
import { type Heard, messageOf } from '../helpers/scripted-session.ts';
import { type ControlLine, type Daemon, startDaemon } from './daemon.ts';
import { Door, type Greeted } from './door.ts';
import type { Figure } from './figure.ts';
import type { Lab } from './lab.ts';
import { isPacket, PRESS_GOAL_MS, PROVEN_MS, SILENT_MS } from './outages.ts';

/** Thirty of each loss in two minutes, for each has to wait until its connection has worked for 10 s. */
const DAEMONS = 15;
const ROUNDS = 2;
/** So that losses of different daemons don't meet. */
const START_EVERY_MS = 200;
/** The table (reconnect.md §4). */
const RESET_GOAL_MS = 300;
const NOTICED_GOAL_MS = 5;
/** With the silence that follows it is less than the shortest heartbeat (10 s), which would find out without a press. */
const BEFORE_HEARTBEAT_MS = 2_000;
/** How long a small server takes to start again. */
const RESTART_MS = 1_000;
/** Speech from before the new connection, while it is made, and after it. */
const HOLD_MS = 3_000;
/** 60 ms each; the last one may have begun when the button was let go, and is completed. */
const HELD_PACKETS = HOLD_MS / 60;
/** Longer than any wait after these losses (2 s), on a busy machine. */
const GREETED_MS = 30_000;
/** RFC 6455 §5.2. */
const CLOSE_FRAME = 0x8;

type Box = {
  readonly door: Door;
  /** The daemon hangs up on whoever is silent for 10 s, so a line is opened for each use. */
  readonly openLine: Daemon['openLine'];
  greeted(): Promise<Greeted>;
};

type Samples = Record<
  'reset' | 'hungUp' | 'frame' | 'status' | 'asked' | 'goodbye' | 'restarted' | 'pressed' | 'lost',
  number[]
>;

export async function lossFigures(lab: Lab): Promise<readonly Figure[]> {
  const samples: Samples = {
    reset: [],
    hungUp: [],
    frame: [],
    status: [],
    asked: [],
    goodbye: [],
    restarted: [],
    pressed: [],
    lost: [],
  };
  const losses = [reset, hungUp, goodbye, restart, press];
  await Promise.all(Array.from({ length: DAEMONS }, (_, at) => suffer(lab, losses, at, samples)));
  return figures(samples);
}

function sinceHello({ helloAtMs }: Greeted, delayMs: number): Promise<void> {
  return pause(helloAtMs + delayMs - performance.now());
}

type Suffer = (box: Box, now: Greeted, samples: Samples) => Promise<Greeted>;

/** Each daemon begins with another loss. */
async function suffer(lab: Lab, losses: readonly Suffer[], first: number, samples: Samples): Promise<void> {
  await pause(START_EVERY_MS * first);
  const inbox = new Inbox<Greeted>();
  const door = await Door.keptBy(lab, (greeted) => inbox.push(greeted));
  const daemon = await startDaemon(lab, { url: door.url });
  daemon.process.once('exit', () => inbox.end(`the daemon ended: ${daemon.lastWords()}`));
  const greeted = () => inbox.next(() => true, 'a hello of the daemon', GREETED_MS);
  let now = await greeted();
  const box = { door, openLine: () => daemon.openLine(), greeted };
  for (let turn = 0; turn < ROUNDS * losses.length; turn += 1) {
    const loss = losses[(first + turn) % losses.length];
    if (loss !== undefined) now = await loss(box, now, samples);
  }
}

async function reset({ greeted }: Box, now: Greeted, samples: Samples): Promise<Greeted> {
  await sinceHello(now, PROVEN_MS);
  const atMs = performance.now();
  now.session.reset();
  const next = await greeted();
  samples.reset.push(next.helloAtMs - atMs);
  return next;
}

async function hungUp({ greeted }: Box, now: Greeted, samples: Samples): Promise<Greeted> {
  await sinceHello(now, PROVEN_MS);
  const atMs = performance.now();
  now.session.terminate();
  const next = await greeted();
  samples.hungUp.push(next.helloAtMs - atMs);
  return next;
}

async function goodbye({ greeted, openLine }: Box, now: Greeted, samples: Samples): Promise<Greeted> {
  await sinceHello(now, PROVEN_MS);
  const line = await openLine();
  // The first answer is slower than the others, and what asking costs is no part of the noticing.
  await line.send({ command: 'status' }).answered;
  const { sentAtMs, answered: asked } = line.send({ command: 'status' });
  await asked;
  samples.asked.push(performance.now() - sentAtMs);
  const answered = new Promise<number>((resolve) => {
    now.socket.prependListener('data', (bytes: Buffer) => {
      if (((bytes[0] ?? 0) & 0xf) === CLOSE_FRAME) resolve(performance.now());
    });
  });
  const atMs = performance.now();
  now.session.close();
  const [answeredMs, leftMs] = await Promise.all([answered, leftReady(line)]);
  samples.frame.push(answeredMs - atMs);
  samples.status.push(leftMs - atMs);
  const next = await greeted();
  samples.goodbye.push(next.helloAtMs - atMs);
  return next;
}

/** Asked again and again: late by the way of a request and its answer at the most. */
async function leftReady(line: ControlLine): Promise<number> {
  for (;;) {
    const { status } = await line.send({ command: 'status' }).answered;
    if (status?.link.phase !== 'ready') return performance.now();
  }
}

async function restart({ door, greeted }: Box, now: Greeted, samples: Samples): Promise<Greeted> {
  await sinceHello(now, PROVEN_MS);
  const atMs = performance.now();
  door.shut();
  await pause(RESTART_MS);
  await door.open();
  const next = await greeted();
  samples.restarted.push(next.helloAtMs - atMs);
  return next;
}

/** A hold: what is said has a known length, and its end is told. */
async function press({ greeted, openLine }: Box, now: Greeted, samples: Samples): Promise<Greeted> {
  await sinceHello(now, BEFORE_HEARTBEAT_MS);
  now.session.blackHole();
  await pause(SILENT_MS);
  const line = await openLine();
  const { sentAtMs } = line.send({ command: 'press', hold_ms: HOLD_MS });
  const next = await greeted();
  await next.session.next(isListenStart);
  const first = await next.session.next(isPacket);
  samples.pressed.push(first.atMs - sentAtMs);
  await next.session.next(isListenStop);
  const heard = next.session.received.filter(isPacket).length;
  samples.lost.push(Math.max(0, HELD_PACKETS - heard));
  line.send({ command: 'stop' });
  await next.session.next('abort');
  next.session.say({ type: 'tts', state: 'stop' });
  await line.until('idle');
  return next;
}

function isListenStop(heard: Heard): boolean {
  const message = messageOf(heard);
  return message?.type === 'listen' && message.state === 'stop';
}

function figures(samples: Samples): readonly Figure[] {
  const unit = 'ms';
  const within = (atMost: number) => ({ of: 'p95', atMost }) as const;
  return [
    {
      name: 'reset by peer -> new hello',
      unit,
      samples: samples.reset,
      goal: within(RESET_GOAL_MS),
      note: `${DAEMONS} daemons; 0 to 250 ms of it are the drawn wait before the first retry`,
    },
    {
      name: 'end without close frame -> new hello',
      unit,
      samples: samples.hungUp,
      goal: within(RESET_GOAL_MS),
    },
    {
      name: 'close frame -> answered',
      unit,
      samples: samples.frame,
      goal: within(NOTICED_GOAL_MS),
    },
    {
      name: 'close frame -> status has left ready',
      unit,
      samples: samples.status,
      note: 'asked without pause over the control socket: late by one answer, so it bounds the figure above from outside',
    },
    { name: 'status asked -> answered', unit, samples: samples.asked, note: 'just before the close frame' },
    {
      name: 'close frame -> new hello',
      unit,
      samples: samples.goodbye,
      note: 'an ordinary end is answered after 0.5 to 2 s, drawn',
    },
    {
      name: 'reset, port shut for 1 s -> new hello',
      unit,
      samples: samples.restarted,
      note: 'from the reset on; refused once or twice meanwhile, after which 0.5 to 1 s and 1 to 2 s are waited',
    },
    {
      name: 'half-open, press -> speech',
      unit,
      samples: samples.pressed,
      goal: within(PRESS_GOAL_MS),
      note: 'after 6 s of silence, to the first packet after `listen start` on the new connection',
    },
    {
      name: 'of its 3 s not heard',
      unit: 'packets',
      samples: samples.lost,
      goal: { of: 'max', atMost: 0 },
    },
  ];
}
