// A box in a room of its own: a virtual card, the real daemon on it, the server that it talks to, and an ear at its
// loudspeaker. Knows nothing of what is said.
import type { Pcm } from '../../src/ports.ts';
import { type Ear, listen, startTestCard, type TestCard } from './card.ts';
import { type Daemon, type Folders, folders, startDaemon } from './daemon.ts';
import { greeting } from './good-conversation.ts';
import { type ScriptedServer, type Session, startScriptedServer } from './scripted-server.ts';

export class Room {
  readonly card: TestCard;
  readonly server: ScriptedServer;
  readonly places: Folders;
  readonly ear: Ear;
  #daemon: Daemon | undefined;

  private constructor(card: TestCard, server: ScriptedServer, places: Folders, ear: Ear) {
    this.card = card;
    this.server = server;
    this.places = places;
    this.ear = ear;
  }

  /** @param rateHz what the ear hears at */
  static async open(rateHz: number): Promise<Room> {
    const card = await startTestCard();
    const server = await startScriptedServer(greeting);
    return new Room(card, server, await folders(), await listen(card, card.listenTo, rateHz));
  }

  async close(): Promise<void> {
    await this.ear.stop();
    await this.#daemon?.stop();
    await this.server.stop();
    await this.card.stop();
    await this.places.remove();
  }

  /** One at a time: whoever wants another stops the one before. */
  start(settings: Readonly<Record<string, string>> = {}): Daemon {
    this.#daemon = startDaemon(this.places, {
      environment: this.card.childEnvironment,
      settings: {
        'server.websocket_url': this.server.url,
        'audio.input.device': this.card.microphone,
        'audio.output.device': this.card.speaker,
        'turn.follow_up': 'false',
        ...settings,
      },
    });
    return this.#daemon;
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('no daemon');
    return this.#daemon;
  }

  /** The latest. */
  get session(): Session {
    const last = this.server.sessions.at(-1);
    if (last === undefined) throw new Error('no session');
    return last;
  }

  heardBytes(): number {
    return this.ear.heard().length;
  }

  heardFrom(bytes: number): Pcm {
    return Uint8Array.from(this.ear.heard().subarray(bytes));
  }
}
