// Which code a warning or an error carries, so that people can look it up and search for it. A code once given keeps its
// meaning. Data and one look-up; writes nothing.

export type Code = {
  readonly code: string;
  /** What the line says: all of it, or its end where it begins with a name. */
  readonly says: string;
  /** Of lines that say the same of many things: those with this class only. */
  readonly class?: string;
  /** Of lines whose words are made elsewhere: all of that component, at that level. */
  readonly anyOf?: readonly [component: string, level: 'warn' | 'error'];
  readonly remedy: string;
};

/** What a failure of the connection is, whatever the line says of it. */
const LINK: readonly (readonly [name: string, remedy: string])[] = [
  ['network', 'the way to the server is missing or broken: `why`, `doctor network`'],
  ['transient', 'the server is there and refuses for now; it is tried again by itself'],
  ['restarting', 'the server restarts; nothing to do'],
  ['auth', 'the server does not want this token: check `server.token_file`, or the console that gave it'],
  [
    'configuration',
    'address, certificate or version is wrong: check `server.websocket_url`, or the console that gave it',
  ],
  ['clock', "the board's clock is wrong, so certificates look invalid: `timedatectl`"],
  ['portal', 'a login page answers instead of the server: log this network in'],
  ['protocol', 'the server speaks something else: is it a xiaozhi server?'],
  ['local', 'this machine refuses: files, ports or memory; the reason says which'],
  ['normal', 'an ordinary end that came too early or too often: look at the log of the server'],
];

const numbered = (area: string, at: number) => `XA-${area}-${String(at + 1).padStart(2, '0')}`;

function area(name: string, rows: readonly Omit<Code, 'code'>[]): readonly Code[] {
  return rows.map((row, at) => ({ code: numbered(name, at), ...row }));
}

/** The order within an area is the number: new ones go to its end. */
export const CODES: readonly Code[] = [
  ...area('LINK', [
    ...LINK.map(([name, remedy]) => ({ says: 'link', class: name, remedy })),
    {
      says: 'the server reports trouble',
      remedy: 'its own words are in the line; look at the log of the server',
    },
    {
      says: 'a command of the server is not carried out',
      remedy: 'nothing: the box never obeys such commands',
    },
    { says: 'link unconfigured', remedy: 'set `server.ota_url` or `server.websocket_url`' },
  ]),
  ...area('NET', [
    { says: 'the network is flapping', remedy: 'a plug, a cable or the radio signal: `doctor network`' },
    { says: 'the network cannot be looked at', remedy: 'is `iproute2` installed? `doctor network`' },
    {
      says: 'the kernel cannot be heard about the network: polling',
      remedy: '`sudo apt-get install iproute2`',
    },
  ]),
  ...area('MIC', [
    { says: 'microphone broke off', remedy: '`audio list` names the devices; `doctor audio`' },
    {
      says: 'the microphone has delivered one and the same value',
      remedy: 'muted or not connected: `alsamixer`, F4',
    },
    {
      says: 'the microphone is too loud and is clipped',
      remedy: 'lower `audio.input.gain_db`; `audio meter`',
    },
    {
      says: 'more was said than can be kept unsent',
      remedy: 'the network was away for long while somebody spoke',
    },
    { says: 'ALSA has no good rate converter', remedy: '`sudo apt-get install libasound2-plugins`' },
    {
      says: 'the microphone was not read in time: sound was lost',
      remedy: 'the board was too busy for a second: `top`, `vcgencmd get_throttled`',
    },
  ]),
  ...area('SPK', [
    { says: 'speaker broke off', remedy: '`audio list` names the devices; `doctor audio`' },
    { says: 'the speaker did not play out in time', remedy: 'the card or its driver hangs; `dmesg`' },
    { says: 'the speaker stood still: sound was dropped', remedy: 'the card or its driver hangs; `dmesg`' },
    { says: 'the server sends faster than it can be played', remedy: 'look at the server' },
    {
      says: 'audio.output.backend "speaker" cannot be used',
      remedy: 'leave `audio.output.backend` at "aplay"',
    },
    { says: 'the mixer does not turn', remedy: '`amixer` shows its controls; `audio.output.volume_control`' },
    { says: 'no mixer: the volume is made of samples', remedy: 'correct `audio.output.volume_control`' },
    { says: 'a sound cannot be read', remedy: 'put the file into `sounds.dir`, or empty that key' },
  ]),
  ...area('BTN', [
    {
      says: 'cannot be heard; it is tried again',
      remedy: 'the reason names the group or pin; `doctor button`',
    },
    {
      says: 'the button has been down for a minute',
      remedy: 'something lies on it, or it is wired the other way round',
    },
  ]),
  ...area('LED', [
    { says: 'the light cannot be lit', remedy: 'the reason says which LEDs there are' },
    { says: 'there is no light', remedy: 'correct `light.backend` or `light.name`' },
  ]),
  ...area('CONF', [
    { says: '', anyOf: ['config', 'error'], remedy: '`config check` says where and what' },
    { says: '', anyOf: ['config', 'warn'], remedy: '`config check` says where and what' },
    { says: 'no server is configured', remedy: 'set `server.ota_url` or `server.websocket_url`' },
    {
      says: 'the token file',
      remedy: 'the reason says what is wrong with it; it is read anew at every attempt',
    },
    {
      says: 'reload: the new configuration is wrong',
      remedy: 'mend what the lines before it name, then `systemctl reload xiaozhi-agent`',
    },
    { says: 'reload: these need a restart', remedy: '`sudo systemctl restart xiaozhi-agent`' },
  ]),
  ...area('STATE', [
    { says: 'the state cannot be kept', remedy: 'disk full or read-only: `df -h`, `doctor state`' },
    {
      says: 'the state cannot be read',
      remedy: 'nothing: it is begun anew, the old file is kept as `*.bad`',
    },
    {
      says: 'identity cannot be read',
      remedy: 'the server may ask to activate the box again; the old file is kept',
    },
    { says: 'identity cannot be kept', remedy: 'disk full or read-only: `df -h`, `doctor state`' },
    {
      says: 'this card was in another board',
      remedy: 'activate the box again, if its server asks: `xiaozhi-agent activate`',
    },
    {
      says: 'the identity is left as it is',
      remedy: 'the file is good and not ours, or the disk fails: `chown` as the line says, then restart',
    },
    {
      says: 'the state is left as it is',
      remedy: 'the file is good and not ours, or the disk fails: `chown` as the line says, then restart',
    },
  ]),
  ...area('RUN', [
    { says: 'unexpected error', remedy: 'a fault of this program: `bugreport`' },
    { says: 'not gone in time, or told twice', remedy: 'nothing, unless it happens at every stop' },
    { says: 'the last run broke off', remedy: 'power, memory or a fault: `status` and `bugreport`' },
    { says: 'lines were lost because nobody took them', remedy: 'journald or the terminal was slow' },
    { says: 'a listener failed', remedy: 'a fault in the program that embeds the client' },
    {
      says: 'metrics cannot be',
      remedy: 'the reason names port or file: `metrics.listen`, `metrics.textfile`',
    },
    {
      says: 'supervisor: no sign of life is given',
      remedy: 'a fault of this program, which systemd starts anew: `bugreport`',
    },
    { says: 'supervisor: not told', remedy: 'is `systemd-notify` there? `doctor service`' },
  ]),
  ...area('SETUP', [
    {
      says: 'the configuration call failed',
      remedy: 'the line says what the answer was: check `server.ota_url`',
    },
    {
      says: '',
      anyOf: ['server', 'warn'],
      remedy: 'the address in the answer may lead nowhere: correct it in the console of the server',
    },
    {
      says: 'an answer over plain http names',
      remedy: 'use https for `server.ota_url`; another server is followed with `server.allow_http_move` too',
    },
    { says: 'activation: enter the code', remedy: 'enter it in the console that the line names' },
    {
      says: 'the key of the serial number cannot be read',
      remedy: 'check `server.serial_key_file` and who may read it',
    },
    {
      says: 'the activation code cannot be put where others find it',
      remedy: 'nothing: `status` has the code too',
    },
    {
      says: 'activation: the server wants no code but a serial number',
      remedy: 'set `server.serial_number` and `server.serial_key_file`',
    },
  ]),
  ...area('TOOL', [
    {
      says: 'tool refused',
      remedy: 'the reason says why: too much at once, something wrong, or a tool that it may not use',
    },
    { says: 'tool called by the server', remedy: 'the reason says why it failed: `[tools]`, `doctor`' },
    {
      says: 'mcp.allow or mcp.deny names no tool',
      remedy: 'correct the name; with `log.level = "debug"` the line `tools for the server` has all',
    },
    { says: 'the server restarts the board', remedy: '`mcp.reboot = false` forbids it' },
    { says: 'the board cannot be restarted', remedy: 'the reason says why: rights of the service' },
    {
      says: 'tool left out: its description is too big for a server',
      remedy: 'shorten its description, its arguments or their options: `config check`',
    },
  ]),
  ...area('SRV', [{ says: 'server trouble', remedy: '`serve` itself: the reason says what' }]),
];

/** Undefined for what is no trouble, and for what has no code yet. */
export function codeOf(
  level: string,
  component: string | undefined,
  sentence: string,
  fields: object,
): string | undefined {
  if (level !== 'warn' && level !== 'error') return undefined;
  const lossClass = sentence.startsWith('link') && 'class' in fields ? fields.class : undefined;
  const found = CODES.find((row) => {
    if (row.class !== undefined) return row.class === lossClass;
    if (row.anyOf !== undefined) return false;
    return sentence.includes(row.says);
  });
  const any = CODES.find(({ anyOf = [] }) => anyOf[0] === component && anyOf[1] === level);
  return (found ?? any)?.code;
}
