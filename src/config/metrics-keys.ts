// The keys of what machines read of the box: figures for Prometheus. A part of the schema, which says what holds for all
// keys.
import { optionalPath } from './address.ts';
import { text } from './key.ts';

/** Figures tell when somebody is at home: they are for this machine, and for whoever is let in to it. */
const LISTEN = /^(127(\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}$/;
const HIGHEST_PORT = 65_535;

export const metrics = {
  listen: text({
    preset: '',
    expects: 'an address of this machine and a port such as "127.0.0.1:9464", or ""',
    accepts: (value) => value === '' || (LISTEN.test(value) && portOf(value) <= HIGHEST_PORT),
    meaning:
      'Where Prometheus may read figures (`/metrics`), and others whether all is well (`/healthz`, `/readyz`).',
    example: '"127.0.0.1:9464"',
  }),
  textfile: text({
    preset: '',
    expects: 'an absolute path, or ""',
    accepts: optionalPath,
    meaning:
      'File that the same figures are written to every minute, for the textfile collector of node_exporter.',
    example: '"/var/lib/prometheus/node-exporter/xiaozhi.prom"',
  }),
} as const;

const portOf = (value: string) => Number(value.slice(value.lastIndexOf(':') + 1));
