// How node-record-lpcm16 is to call arecord: the library loads this file by its absolute path and cannot be told
// otherwise to ask for short periods. It must stay CommonJS with `module.exports`, and knows nothing but flags.

type RecorderOptions = {
  readonly device: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly audioType: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

module.exports = (options: RecorderOptions) => ({
  cmd: 'arecord',
  args: [
    '-q',
    '-D',
    options.device,
    '-t',
    options.audioType,
    '-f',
    'S16_LE',
    '-r',
    String(options.sampleRate),
    '-c',
    String(options.channels),
    // 20 ms, a third of an Opus frame: by default ALSA chose 125 ms, which is heard as delay. The buffer costs no delay
    // (first byte after 38 ms, as with 200 ms of it or later), and a recorder that gets no processor for a second on a busy
    // board loses nothing; a card that has less gives what it has.
    '--period-time=20000',
    '--buffer-time=1000000',
    '-',
  ],
  spawnOptions: { env: options.environment },
});
