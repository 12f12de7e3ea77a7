// Checks of the service, its agent and its journal. Judges facts; looks at nothing.
import { type Check, fail, ok, skipped, warn } from './check.ts';

/** A folder on the card is not enough: Raspberry Pi OS tells journald to use memory, and what is there is moved only when told. */
export const KEEPS_JOURNAL =
  'sudo install -D -m 644 /usr/share/doc/xiaozhi-agent/examples/journald.conf /etc/systemd/journald.conf.d/xiaozhi-agent.conf' +
  ' && sudo systemctl restart systemd-journald && sudo journalctl --flush';

export type ServiceFacts = {
  /** systemd runs this machine. */
  readonly systemd: boolean;
  /** What `systemctl show` says; null: no systemd. */
  readonly unit: {
    readonly load: string;
    readonly enabled: string;
    readonly active: string;
    readonly restarts: number;
    readonly result: string;
    /** As systemd writes it: `30s`, `1min 30s`; `0` or `infinity`: none. */
    readonly watchdog: string;
  } | null;
  /** Null: there is no journal. */
  readonly journalVolatile: boolean | null;
  readonly agent: 'answers' | 'not-running' | 'denied' | 'silent';
  readonly agentVersion: string | null;
  readonly version: string;
  /** `v22.20.0`, of the agent that runs and of this command. */
  readonly agentNode: string | null;
  readonly node: string;
  readonly rssMb: number | null;
  readonly lastRun: { readonly ended: string; readonly clean: boolean } | null;
};

/** reliability.md 5 and the unit's own limit: far above the 65 MB that it needs. */
const MUCH_MB = 150;

const installed = ({ unit }: ServiceFacts) => unit !== null && unit.load === 'loaded';

export const serviceChecks: readonly Check<ServiceFacts>[] = [
  {
    id: 'systemd',
    title: 'systemd',
    judge: ({ systemd }) =>
      systemd ? ok('runs this machine') : skipped('systemd does not run this machine'),
  },
  {
    id: 'unit',
    title: 'unit',
    judge: (facts) => {
      if (!facts.systemd) return skipped('no systemd');
      return installed(facts)
        ? ok('installed')
        : warn('xiaozhi-agent.service is not installed', 'sudo deploy/install.sh');
    },
  },
  {
    id: 'enabled',
    title: 'starts with the board',
    judge: (facts) => {
      if (!installed(facts)) return skipped('not installed');
      return facts.unit?.enabled === 'enabled'
        ? ok('yes')
        : warn(`no (${facts.unit?.enabled})`, 'sudo systemctl enable xiaozhi-agent');
    },
  },
  {
    id: 'active',
    title: 'runs',
    judge: (facts) => {
      if (!installed(facts)) return skipped('not installed');
      const { active = '', result = '' } = facts.unit ?? {};
      return active === 'active'
        ? ok('yes')
        : fail(`${active} (${result})`, 'sudo systemctl start xiaozhi-agent');
    },
  },
  {
    id: 'restarts',
    title: 'restarts',
    judge: (facts) => {
      if (!installed(facts)) return skipped('not installed');
      const { restarts = 0 } = facts.unit ?? {};
      return restarts === 0
        ? ok('none')
        : warn(`${restarts} since the start of the board`, 'xiaozhi-agent logs -n 200');
    },
  },
  {
    id: 'watchdog',
    title: 'watchdog',
    judge: (facts) => {
      if (!installed(facts)) return skipped('not installed');
      const { watchdog = '' } = facts.unit ?? {};
      return ['', '0', 'infinity'].includes(watchdog)
        ? warn('off: a stuck agent stays', 'systemctl cat xiaozhi-agent')
        : ok(watchdog);
    },
  },
  {
    id: 'journal',
    title: 'journal',
    judge: ({ journalVolatile }) => {
      if (journalVolatile === null) return skipped('no journal here');
      return journalVolatile
        ? warn('is gone after a restart of the board; last-run.json stays', KEEPS_JOURNAL)
        : ok('outlives a restart of the board');
    },
  },
  {
    id: 'agent',
    title: 'agent',
    judge: ({ agent }) => {
      switch (agent) {
        case 'answers':
          return ok('answers on its socket');
        case 'not-running':
          return warn('none runs here', 'sudo systemctl start xiaozhi-agent');
        case 'denied':
          return fail('runs, and may not be asked', 'sudo usermod -aG xiaozhi $USER, then log in again');
        case 'silent':
          return fail('does not answer: it hangs or is overrun', 'sudo systemctl restart xiaozhi-agent');
      }
    },
  },
  {
    id: 'version',
    title: 'version',
    judge: ({ agentVersion, version }) => {
      if (agentVersion === null) return ok(version);
      return agentVersion === version
        ? ok(`${version}, as the one that runs`)
        : warn(`${version}, but ${agentVersion} runs`, 'sudo systemctl restart xiaozhi-agent');
    },
  },
  {
    id: 'node',
    title: 'Node of the agent',
    judge: ({ agentNode, node }) => {
      if (agentNode === null) return skipped('the agent cannot be asked');
      return agentNode === node
        ? ok(agentNode)
        : warn(`${agentNode}, while this command has ${node}`, 'systemctl cat xiaozhi-agent; which -a node');
    },
  },
  {
    id: 'rss',
    title: 'memory of the agent',
    judge: ({ rssMb }) => {
      if (rssMb === null) return skipped('the agent cannot be asked');
      return rssMb < MUCH_MB ? ok(`${rssMb} MB`) : warn(`${rssMb} MB: too much`, 'xiaozhi-agent bugreport');
    },
  },
  {
    id: 'last-run',
    title: 'last run',
    judge: ({ lastRun }) => {
      if (lastRun === null) return skipped('none is known of');
      return lastRun.clean
        ? ok(lastRun.ended)
        : warn(lastRun.ended, 'xiaozhi-agent status; xiaozhi-agent bugreport');
    },
  },
];
