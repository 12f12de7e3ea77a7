// Checks of the configuration, of the files that keep the state, and of the clock. Judges facts; looks at nothing.
import { type Check, fail, ok, skipped, warn } from './check.ts';

export type ConfigFacts = {
  readonly files: readonly string[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly url: string;
  /** Whom it asks for its server; empty: nobody. */
  readonly asked: string;
  readonly token: null | {
    readonly path: string;
    readonly mode: number | null;
    readonly fault: string | null;
  };
  readonly isSecure: boolean;
  readonly isLocal: boolean;
  /** Of the files that anybody may write. */
  readonly writable: readonly string[];
};

export type StateFacts = {
  readonly directory: string;
  readonly exists: boolean;
  readonly writable: boolean;
  /** Of its file system; null: cannot be told. */
  readonly type: string | null;
  readonly freeMb: number | null;
  readonly identity: 'good' | 'missing' | 'damaged' | 'denied';
  readonly identityMode: number | null;
  /** Made on another machine, from which this card was copied. */
  readonly isCloned: boolean;
  readonly damaged: readonly string[];
  readonly setAside: readonly string[];
};

export type ClockFacts = {
  readonly wallMs: number;
  readonly isSet: boolean;
  readonly zone: string;
  /** `light.night`, in local time; empty: nothing goes by it. */
  readonly night: string;
};

const OTHERS = 0o077;
/** No clock that is right is before the month this was last worked on. */
const RELEASED_MS = Date.UTC(2026, 10);
/** A full disk loses what is to be kept; the state itself has some 150 kB. */
const LEAST_FREE_MB = 20;
const VOLATILE = ['tmpfs', 'ramfs', 'overlay', 'overlayfs'];

export const configChecks: readonly Check<ConfigFacts>[] = [
  {
    id: 'files',
    title: 'files',
    judge: ({ files }) =>
      files.length > 0 ? ok(files.join(', ')) : warn('none: only defaults', 'xiaozhi-agent config show'),
  },
  {
    id: 'values',
    title: 'values',
    judge: ({ errors }) =>
      errors.length === 0 ? ok('all good') : fail(errors.join('; '), 'xiaozhi-agent config check'),
  },
  {
    id: 'keys',
    title: 'keys',
    judge: ({ warnings }) =>
      warnings.length === 0 ? ok('all known') : warn(warnings.join('; '), 'xiaozhi-agent config check'),
  },
  {
    id: 'server',
    title: 'server',
    judge: ({ url, asked }) => {
      if (url !== '') return ok(url);
      return asked === ''
        ? fail('none is set', 'set server.websocket_url or server.ota_url in /etc/xiaozhi-agent/config.toml')
        : ok(`the one that ${asked} names`);
    },
  },
  {
    id: 'writable',
    title: 'who may change it',
    judge: ({ writable, files }) => {
      if (files.length === 0) return skipped('there is no file');
      if (writable.length === 0) return ok('only its owner');
      return warn(`anybody may write ${writable.join(', ')}`, ['chmod', 'o-w', ...writable]);
    },
  },
  {
    id: 'token',
    title: 'token',
    judge: ({ token }) => {
      if (token === null) return skipped('server.token_file is empty: no token is sent');
      return token.fault === null ? ok(`in ${token.path}`) : fail(token.fault, `ls -l ${token.path}`);
    },
  },
  {
    id: 'token-mode',
    title: 'who may read the token',
    judge: ({ token }) => {
      if (token?.mode === undefined || token.mode === null) return skipped('there is no token');
      if ((token.mode & 0o007) === 0) return ok('not everybody');
      return warn('everybody on this machine', ['chmod', 'o-rwx', token.path]);
    },
  },
  {
    id: 'encryption',
    title: 'encryption',
    judge: ({ url, asked, isSecure, isLocal, token }) => {
      if (url === '' && asked === '') return skipped('no server is set');
      if (isSecure) return ok('TLS');
      if (isLocal) return ok('none, within the own network');
      return warn(
        `none${token === null ? '' : ', and the token goes over the internet as it is'}`,
        'use a wss:// address in server.websocket_url, or https:// in server.ota_url',
      );
    },
  },
];

export const stateChecks: readonly Check<StateFacts>[] = [
  {
    id: 'directory',
    title: 'directory',
    judge: ({ directory, exists }) =>
      exists ? ok(directory) : warn(`${directory} is missing: nothing is kept`, ['mkdir', '-p', directory]),
  },
  {
    id: 'writable',
    title: 'can be written',
    judge: ({ exists, writable, directory }) => {
      if (!exists) return skipped('there is no directory');
      return writable
        ? ok('yes')
        : warn('not by you, or it is read-only', `ls -ld ${directory}; mount | grep ' ro,'`);
    },
  },
  {
    id: 'lasting',
    title: 'outlives a restart',
    judge: ({ type }) => {
      if (type === null) return skipped('the kind of the file system cannot be told');
      return VOLATILE.includes(type)
        ? warn(
            `no (${type}): identity and volume are forgotten`,
            'put --state-dir on a partition that is kept',
          )
        : ok(`yes (${type})`);
    },
  },
  {
    id: 'space',
    title: 'free space',
    judge: ({ freeMb }) => {
      if (freeMb === null) return skipped('cannot be told');
      if (freeMb === 0) return fail('none: nothing can be kept', 'sudo apt-get clean; df -h');
      return freeMb < LEAST_FREE_MB ? warn(`${freeMb} MB`, 'sudo apt-get clean; df -h') : ok(`${freeMb} MB`);
    },
  },
  {
    id: 'identity',
    title: 'identity',
    judge: ({ identity, directory }) => {
      switch (identity) {
        case 'good':
          return ok('there is one');
        case 'missing':
          return ok('none yet: the first run makes one');
        case 'damaged':
          return warn('cannot be understood: the next run makes another', `cat ${directory}/identity.json`);
        case 'denied':
          return skipped('only the service may read it: use sudo');
      }
    },
  },
  {
    id: 'identity-mode',
    title: 'who may read it',
    judge: ({ identityMode, directory }) => {
      if (identityMode === null) return skipped('there is none to look at');
      if ((identityMode & OTHERS) === 0) return ok('only the service');
      return warn('others than the service', ['chmod', '600', `${directory}/identity.json`]);
    },
  },
  {
    id: 'cloned',
    title: 'of this machine',
    judge: ({ isCloned, identity, directory }) => {
      if (identity !== 'good') return skipped('there is no identity');
      if (!isCloned) return ok('yes');
      return warn(
        'made on another machine: is this a copied card? Two boxes with one identity disturb each other',
        `sudo rm ${directory}/identity.json, then restart`,
      );
    },
  },
  {
    id: 'damaged',
    title: 'files',
    judge: ({ damaged }) =>
      damaged.length === 0
        ? ok('all readable')
        : warn(`cannot be understood: ${damaged.join(', ')}`, 'nothing: they are begun anew'),
  },
  {
    id: 'aside',
    title: 'put aside',
    judge: ({ setAside, directory }) =>
      setAside.length === 0
        ? ok('nothing')
        : warn(
            `${setAside.join(', ')}: could not be understood once`,
            `ls -l ${directory}; delete what is not needed`,
          ),
  },
];

export const clockChecks: readonly Check<ClockFacts>[] = [
  {
    id: 'set',
    title: 'set right',
    judge: ({ isSet }) =>
      isSet
        ? ok('yes')
        : fail('not yet: certificates look invalid', 'timedatectl status; is there a way to a time server?'),
  },
  {
    id: 'date',
    title: 'date',
    judge: ({ wallMs }) =>
      wallMs >= RELEASED_MS
        ? ok(new Date(wallMs).toISOString().slice(0, 10))
        : fail(`${new Date(wallMs).toISOString().slice(0, 10)} is past`, 'sudo timedatectl set-ntp true'),
  },
  {
    id: 'zone',
    title: 'time zone',
    judge: ({ zone, night }) =>
      zone === 'UTC' && night !== ''
        ? warn(
            `UTC: light.night = "${night}" is in local time`,
            'sudo timedatectl set-timezone ZONE; timedatectl list-timezones',
          )
        : ok(zone),
  },
];
