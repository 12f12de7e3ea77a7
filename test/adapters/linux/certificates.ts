// A certificate authority of a test's own, made with the openssl command: certificates of any name and any dates. Knows
// no sockets.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Certificate = { readonly key: Buffer; readonly cert: Buffer };

export type Authority = {
  readonly directory: string;
  /** What a client must trust. */
  readonly caFile: string;
  ca(): string;
  /** `name` as openssl wants it: `IP:127.0.0.1`, `DNS:box.test`. The dates as YYYYMMDDhhmmssZ. */
  sign(name: string, from?: string, to?: string): Certificate;
  remove(): void;
};

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
/** RFC 5280 §4.1.2.5: the last date before certificates need another notation. */
const FOREVER = '20491231000000Z';
const ALWAYS = '20000101000000Z';

export function authority(commonName: string): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'xz-tls-'));
  const at = (name: string) => join(directory, name);
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-days',
    '2',
    '-subj',
    `/CN=${commonName}`,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  );
  writeFileSync(at('index.txt'), '');
  writeFileSync(
    at('ca.conf'),
    [
      '[ca]',
      'default_ca = here',
      '[here]',
      `database = ${at('index.txt')}`,
      `new_certs_dir = ${directory}`,
      'default_md = sha256',
      'policy = any',
      'unique_subject = no',
      'rand_serial = yes',
      '[any]',
      'commonName = supplied',
    ].join('\n'),
  );
  return {
    directory,
    caFile: at('ca.pem'),
    ca: () => readFileSync(at('ca.pem'), 'utf8'),
    sign(name, from = ALWAYS, to = FOREVER) {
      writeFileSync(at('names'), `subjectAltName=${name}\n`);
      openssl('req', ...KEY, '-subj', '/CN=test', '-keyout', at('key'), '-out', at('request'));
      const dates = ['-startdate', from, '-enddate', to];
      const signer = ['-config', at('ca.conf'), '-cert', at('ca.pem'), '-keyfile', at('ca.key')];
      const files = ['-extfile', at('names'), '-in', at('request'), '-out', at('cert')];
      openssl('ca', '-batch', '-notext', ...signer, ...dates, ...files);
      return { key: readFileSync(at('key')), cert: readFileSync(at('cert')) };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
