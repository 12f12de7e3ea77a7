// Everything that can happen to the device, as past facts, and everything the core may ask for once.
// Facts carry the attempt or turn number they belong to, so that a late one is recognised and ignored.

import type { DeviceMessage, ServerMessage } from '../protocol/messages.ts';
import type { Lessons } from './lessons.ts';
import type { Policy } from './state.ts';

/** What a failure means for what to do next; decided once, by the adapter that saw it. */
export const FAILURE_CLASSES = [
  'normal',
  'network',
  'transient',
  'restarting',
  'auth',
  'configuration',
  'clock',
  'portal',
  'protocol',
  'local',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** What people call it; the class says what it means for the next attempt. */
export const LOSS_KINDS = [
  'normal close',
  'abnormal close',
  'send on a closed socket',
  'connection reset',
  'network error',
  'other',
] as const;
export type LossKind = (typeof LOSS_KINDS)[number];

/** Why a connection ended, in words for people and in the one word that policy reads. */
export type Loss = {
  readonly class: FailureClass;
  readonly kind: LossKind;
  readonly reason: string;
  readonly detectedBy: string;
  /** The machine was there and said no at once: it is likely to be back soon. */
  readonly quick: boolean;
  readonly retryAfterMs?: number;
  /** Of a close frame (RFC 6455 §7.4), or 1006. */
  readonly code?: number;
  /** Of an error that no table knows. */
  readonly stack?: string;
};

/** What the network is at one moment, as the kernel has it. */
export type NetworkSnapshot = {
  /** All of them but the loopback. */
  readonly interfaces: readonly NetworkInterface[];
  /** Default routes, the preferred one of each family first. */
  readonly routes: readonly {
    readonly family: 4 | 6;
    readonly interface: string;
    /** The next hop and, once the kernel knows it, its hardware address. */
    readonly gateway: string | null;
    readonly gatewayMac: string | null;
  }[];
  /**
   * What the kernel would do with a packet to the server now: the source address it would choose, or `unreachable`;
   * `unknown` while no address of the server is known.
   */
  readonly source: string | 'unreachable' | 'unknown';
  /** Since the last snapshot: how long the machine was suspended, and how long this process stood still. */
  readonly sleptMs: number;
  readonly stalledMs: number;
};

export type NetworkInterface = {
  readonly name: string;
  /** There is a cable, or a radio network: packets can leave. */
  readonly carrier: boolean;
  /** How often that has changed since there is this interface, what nobody was told of included; 0 where it is not known. */
  readonly carrierChanges: number;
  /** Without tentative ones. */
  readonly addresses: readonly string[];
};

export type Event =
  /** After a run that broke off a short while ago: its failures in a row, and the last of them. */
  | { readonly type: 'agent.started'; readonly failures?: number; readonly loss?: Loss | null }
  | { readonly type: 'button.pressed' }
  | { readonly type: 'button.released' }
  /** A click, or a hold of `holdMs`, asked for over the control socket or the keyboard. */
  | { readonly type: 'press.asked'; readonly holdMs?: number }
  | { readonly type: 'stop.asked' }
  /** Louder or softer: to a volume of 0 to 100, or by so much. */
  | { readonly type: 'volume.asked'; readonly to: number }
  | { readonly type: 'volume.asked'; readonly by: number }
  /** Somebody looks at what the microphone hears; asked again as long as they do. */
  | { readonly type: 'meter.asked' }
  /** A key of the box, once for each step. */
  | { readonly type: 'volume.stepped'; readonly by: 1 | -1 }
  | { readonly type: 'mute.asked'; readonly muted: boolean | 'toggle' }
  /** A switch whose level decides stands like this now; while it stands on mute, nothing else unmutes. */
  | { readonly type: 'mute.switched'; readonly muted: boolean }
  /** What a press of the button is to mean from now on, until the next start. */
  | { readonly type: 'gesture.chosen'; readonly mode: 'hybrid' | 'click' | 'hold' }
  | { readonly type: 'shutdown.asked' }
  /** The configuration call was answered: the box belongs to nobody yet. An empty code: there is none to enter. */
  | {
      readonly type: 'setup.activating';
      readonly code: string;
      readonly message?: string;
      readonly challenge?: string | null;
    }
  /** It was answered, and the server is known. `changed`: address or token are not what they were. */
  | { readonly type: 'setup.done'; readonly changed?: boolean }
  /** It has named another server than the one before: what was learned of that one belongs to it. */
  | { readonly type: 'server.moved' }
  | { readonly type: 'setup.failed'; readonly why: string }
  /** Whether the code was entered meanwhile. */
  | { readonly type: 'setup.polled'; readonly result: 'bound' | 'pending' | 'unsupported' | 'failed' }
  /** Connect, whatever was asked before; and stay away until asked again. */
  | { readonly type: 'connect.asked' }
  | { readonly type: 'disconnect.asked'; readonly why: string }
  /** Try now, limits and delays forgotten. */
  | { readonly type: 'reconnect.asked' }
  /** Whether a lost connection is made again, and how often in a row it may fail; 0: no limit of the switch's own. */
  | { readonly type: 'reconnect.switched'; readonly enabled: boolean; readonly maxAttempts: number }
  | { readonly type: 'network.seen'; readonly snapshot: NetworkSnapshot }
  /** The machine's clock has just been set right. */
  | { readonly type: 'clock.synchronized' }
  /** The server's machine has answered: TCP stands, TLS and upgrade are still to come. */
  | { readonly type: 'socket.reached'; readonly attempt: number; readonly local: string }
  | { readonly type: 'socket.opened'; readonly attempt: number }
  /** A sign of life: the first since a ping, and else at most one a second. `rttMs` when it answers a ping. */
  | { readonly type: 'socket.heard'; readonly attempt: number; readonly rttMs: number | null }
  /** What was sent before the ping that waits for its answer has come a step nearer to the server. */
  | { readonly type: 'socket.moved'; readonly attempt: number }
  | { readonly type: 'socket.closed'; readonly attempt: number; readonly loss: Loss }
  | { readonly type: 'server.said'; readonly attempt: number; readonly message: ServerMessage }
  /** Text that is no message, such as a refusal in plain words before the hello. */
  | { readonly type: 'server.muttered'; readonly attempt: number; readonly text: string }
  /** A packet of speech came while the speaker's valve was shut. */
  | { readonly type: 'speech.arrived'; readonly attempt: number }
  | { readonly type: 'uplink.voiced'; readonly turn: number }
  /** All of it is handed over. */
  | { readonly type: 'uplink.flushed'; readonly turn: number; readonly take: number }
  /** Some of it has gone out or has arrived: reported at most once a second, and when the last of it has arrived. */
  | { readonly type: 'uplink.moved'; readonly turn: number; readonly take: number }
  /** Whoever spoke has been silent for long; `sentAt` is when the last of their voice had been sent. */
  | {
      readonly type: 'uplink.hushed';
      readonly turn: number;
      readonly take: number;
      readonly sentAt: number;
    }
  /** `said`: a voice had been heard before. */
  | {
      readonly type: 'microphone.failed';
      readonly turn: number;
      readonly reason: string;
      readonly said: boolean;
    }
  | { readonly type: 'downlink.started'; readonly turn: number }
  /** Packets keep coming; reported at most once a second. */
  | { readonly type: 'downlink.heard'; readonly turn: number }
  /** What is buffered goes on playing; reported at most once a second. */
  | { readonly type: 'downlink.played'; readonly turn: number }
  | { readonly type: 'downlink.drained'; readonly turn: number }
  | { readonly type: 'speaker.failed'; readonly turn: number; readonly reason: string }
  /** The owner has configured something else. Lessons come with it when it is another server. */
  | { readonly type: 'policy.changed'; readonly policy: Policy; readonly lessons?: Lessons }
  /** Does the loop still move? That it is handled is the answer; it changes nothing. */
  | { readonly type: 'life.asked' }
  | { readonly type: 'timer.fired'; readonly timer: string };

/** Sounds and signs for the person at the box, named after what they say. */
export type Cue =
  | 'ready'
  | 'listen'
  | 'heard'
  | 'thinking'
  | 'again'
  | 'stop'
  | 'offline'
  | 'back'
  | 'error'
  | 'muted'
  | 'unmuted'
  | 'volume'
  | 'code'
  | 'status'
  | 'lost'
  | 'no-answer';

/** One-off deeds. Whatever has an end belongs in `holds`, not here. */
export type Act =
  | { readonly type: 'say'; readonly attempt: number; readonly message: DeviceMessage }
  | { readonly type: 'ping'; readonly attempt: number }
  /** Look whether the socket really is open. */
  | { readonly type: 'check'; readonly attempt: number }
  | { readonly type: 'cue'; readonly cue: Cue };

/** The moment of an event: monotonic milliseconds, and a random number in [0, 1) to decide jitter with. */
export type Moment = { readonly at: number; readonly dice: number };
