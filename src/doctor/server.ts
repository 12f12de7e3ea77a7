// Checks of the way to the server, and of the server itself. Judges facts; looks at nothing.
import { type Check, fail, ok, skipped, warn } from './check.ts';

export type ServerFacts = {
  readonly url: string;
  readonly host: string;
  /** What looking it up gave; null: not looked up. */
  readonly names: { readonly addresses: readonly string[]; readonly fault: string | null } | null;
  readonly tcp: { readonly ms: number; readonly fault: string | null } | null;
  readonly tls: {
    readonly fault: string | null;
    readonly issuer: string;
    readonly from: number;
    readonly to: number;
  } | null;
  readonly wallMs: number;
  /** Of the agent that runs; null: none does. */
  readonly link: {
    readonly phase: string;
    readonly trouble: { readonly class: string; readonly reason: string } | null;
    readonly rttMs: number | null;
    readonly silentDeaths: number;
  } | null;
  /** Tried here where no agent runs: connected and greeted; null: not tried. */
  readonly greeting: { readonly fault: string | null; readonly ms: number } | null;
  /** Whom the box asks for its server; empty: nobody. */
  readonly asked: string;
  /** What an ordinary question to it gave, or to the server where nobody is asked; null: there is nobody to put it to. */
  readonly page: {
    readonly fault: string | null;
    readonly ms: number;
    readonly status: number;
    /** By its clock; null: it does not say. */
    readonly at: number | null;
    /** Whoever asks is sent there; null: nowhere. */
    readonly sentTo: { readonly url: string; readonly isOtherHost: boolean } | null;
  } | null;
  /** Of the agent that runs: how far the configuration call is; null: none runs. */
  readonly setup: {
    readonly phase: string;
    readonly code: string | null;
    readonly trouble: string | null;
  } | null;
};

const SLOW_MS = 300;
const DAY_MS = 86_400_000;
/** Let's Encrypt renews at 30 days; one that is left to a week has been forgotten. */
const EXPIRES_SOON_MS = 7 * DAY_MS;
const DIED_OFTEN = 5;
/** HTTP has whole seconds, and the way takes some; certificates and activation bear minutes. */
const WRONG_BY_MS = 60_000;
/** RFC 6585: log in first. */
const LOGIN_FIRST = 511;
const NO_SERVER = 'no server is set';

export const serverChecks: readonly Check<ServerFacts>[] = [
  {
    id: 'name',
    title: 'name',
    judge: ({ url, host, names }) => {
      if (url === '') return skipped(NO_SERVER);
      if (names === null) return skipped('it is an address');
      return names.fault === null
        ? ok(`${host} is ${names.addresses.join(', ')}`)
        : fail(`${host}: ${names.fault}`, `getent hosts ${host}; cat /etc/resolv.conf`);
    },
  },
  {
    id: 'tcp',
    title: 'can be reached',
    judge: ({ url, tcp }) => {
      if (url === '') return skipped(NO_SERVER);
      if (tcp === null) return skipped('its name is not known');
      if (tcp.fault !== null) return fail(tcp.fault, 'is the server up, and this its port?');
      return tcp.ms < SLOW_MS
        ? ok(`in ${tcp.ms} ms`)
        : warn(`only in ${tcp.ms} ms`, 'xiaozhi-agent doctor network');
    },
  },
  {
    id: 'tls',
    title: 'certificate',
    judge: ({ url, tls }) => {
      if (url === '') return skipped(NO_SERVER);
      if (tls === null) return skipped('no TLS, or the server cannot be reached');
      return tls.fault === null
        ? ok(`by ${tls.issuer}`)
        : fail(tls.fault, 'a server of your own: put its CA into server.ca_file');
    },
  },
  {
    id: 'dates',
    title: 'its dates',
    judge: ({ tls, wallMs }) => {
      if (tls === null || tls.to === 0) return skipped('there is no certificate to look at');
      if (wallMs < tls.from)
        return fail('not valid yet: the clock of this board is wrong', 'timedatectl status');
      if (wallMs > tls.to)
        return fail('has expired, or the clock of this board is wrong', 'timedatectl status');
      return tls.to - wallMs < EXPIRES_SOON_MS
        ? warn(`expires on ${new Date(tls.to).toISOString().slice(0, 10)}`, 'renew it on the server')
        : ok(`until ${new Date(tls.to).toISOString().slice(0, 10)}`);
    },
  },
  {
    id: 'asked',
    title: 'configuration call',
    judge: ({ asked, page, setup }) => {
      if (asked === '') return skipped('nobody is asked: server.ota_url is empty');
      const fault = setup?.trouble ?? page?.fault ?? null;
      if (fault !== null) return fail(`${asked}: ${fault}`, 'is server.ota_url right, and that server up?');
      if (page !== null && page.status >= 500)
        return fail(`${asked} answers with ${page.status}`, 'the log of that server');
      // The agent's own call has worked, if there is one.
      if (setup === null && page !== null && page.sentTo !== null && !page.sentTo.isOtherHost)
        return warn(`${asked} sends whoever asks elsewhere`, `server.ota_url = "${page.sentTo.url}"`);
      return ok(page === null ? asked : `${asked} answers in ${page.ms} ms`);
    },
  },
  {
    id: 'activation',
    title: 'belongs to somebody',
    judge: ({ asked, setup }) => {
      if (asked === '') return skipped('nobody is asked');
      if (setup === null) return skipped('no agent runs');
      return setup.phase === 'activating'
        ? warn(`not yet: the code is ${setup.code}`, 'xiaozhi-agent activate')
        : ok(setup.phase === 'done' ? 'yes, or this server does not ask' : 'being asked');
    },
  },
  {
    id: 'portal',
    title: 'nobody in between',
    judge: ({ page, link, greeting }) => {
      if (page === null && link === null) return skipped('nobody was asked');
      // A server that sends to another address of its own is no login page.
      const isLogin = page !== null && (page.status === LOGIN_FIRST || page.sentTo?.isOtherHost === true);
      if (isLogin || link?.trouble?.class === 'portal' || greeting?.fault?.startsWith('portal: ') === true)
        return fail('a login page answers in its place', 'log this network in, with a browser');
      return ok('no login page');
    },
  },
  {
    id: 'time',
    title: 'same time as here',
    judge: ({ page, wallMs }) => {
      if (page === null || page.at === null) return skipped('it does not say');
      const byMs = Math.abs(wallMs - page.at);
      return byMs < WRONG_BY_MS
        ? ok('yes')
        : fail(`no: ${Math.round(byMs / 60_000)} min apart; certificates look invalid`, 'timedatectl status');
    },
  },
  {
    id: 'greeting',
    title: 'answers as a xiaozhi server',
    judge: ({ url, greeting, link }) => {
      if (url === '') return skipped(NO_SERVER);
      if (link?.phase === 'ready') return ok('the agent is connected');
      if (greeting === null) return skipped('the agent does the trying');
      return greeting.fault === null
        ? ok(`in ${greeting.ms} ms`)
        : fail(greeting.fault, 'xiaozhi-agent why; the log of the server');
    },
  },
  {
    id: 'link',
    title: 'connection of the agent',
    judge: ({ link }) => {
      if (link === null) return skipped('no agent runs');
      if (link.phase === 'ready' || link.phase === 'resting') return ok(link.phase);
      const { trouble } = link;
      const says = trouble === null ? link.phase : `${link.phase}: ${trouble.class}: ${trouble.reason}`;
      return link.phase === 'dialing' || link.phase === 'greeting'
        ? warn(says, 'xiaozhi-agent why')
        : fail(says, 'xiaozhi-agent why; xiaozhi-agent reconnect');
    },
  },
  {
    id: 'rtt',
    title: 'round trip',
    judge: ({ link }) => {
      if (link?.rttMs === undefined || link.rttMs === null) return skipped('not known');
      return link.rttMs < SLOW_MS
        ? ok(`${link.rttMs} ms`)
        : warn(`${link.rttMs} ms: answers come late`, 'xiaozhi-agent doctor network');
    },
  },
  {
    id: 'silence',
    title: 'connections that died silently',
    judge: ({ link }) => {
      if (link === null) return skipped('no agent runs');
      return link.silentDeaths < DIED_OFTEN
        ? ok(`${link.silentDeaths} of the last 50`)
        : warn(
            `${link.silentDeaths} of the last 50`,
            'a router that forgets connections, or weak Wi-Fi: xiaozhi-agent why 10',
          );
    },
  },
];
