// Types for node-record-lpcm16 1.0.1, which has none: only what arecord-microphone.ts uses.

declare module 'node-record-lpcm16' {
  import type { ChildProcess } from 'node:child_process';
  import type { Readable } from 'node:stream';

  export interface Recording {
    readonly process: ChildProcess;
    stream(): Readable;
  }

  export interface RecordOptions {
    readonly recorder: string;
    readonly audioType: string;
    readonly sampleRate: number;
    readonly channels: number;
    readonly device: string;
    /** Not the library's: it hands all options on to the recorder module, which makes use of this one. */
    readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  }

  const library: { record(options: RecordOptions): Recording };
  export default library;
}
