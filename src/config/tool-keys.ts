// What the server may ask the box to do. A part of the schema, which says what holds for all keys; the tools that an owner
// makes are in owner-tools.ts.
import { flag, text } from './key.ts';

const names = (value: string) =>
  value === '' || value.split(',').every((name) => /^[\w.-]+$/.test(name.trim()));

export const mcp = {
  allow: text({
    preset: '',
    expects: 'names of tools with commas between, or ""',
    accepts: names,
    meaning: 'Tools that the server may use. Empty: all that there are.',
    example: '"self.get_device_status, self.audio_speaker.set_volume"',
  }),
  deny: text({
    preset: '',
    expects: 'names of tools with commas between, or ""',
    accepts: names,
    meaning: 'Tools that it may not use, whatever `mcp.allow` says.',
    example: '"self.audio_microphone.set_mute"',
  }),
  reboot: flag(false, { meaning: 'Let the server restart the board.', example: 'true' }),
} as const;
