// One HTTP question with its own absolute deadline and a bound to its answer. Every way it can end becomes one report. Knows
// neither what is asked nor of whom.
import { readFileSync } from 'node:fs';
import { type ClientRequest, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Cancel, Clock, Web, WebAnswer, WebQuestion } from '../../ports.ts';

/** A real answer has a few hundred bytes; one with a text for every language some thousand. */
const LONGEST_BYTES = 64 * 1024;

export function nodeWeb({ clock }: { clock: Clock }): Web {
  return {
    ask(question, on) {
      let phase: 'asking' | 'over' = 'asking';
      let disarm: Cancel = () => undefined;
      let request: ClientRequest | undefined;
      const end = (answer?: WebAnswer) => {
        if (phase === 'over') return;
        phase = 'over';
        disarm();
        request?.destroy();
        if (answer !== undefined) on.answered(answer);
      };
      const { deadlineMs } = question;
      disarm = clock.after(deadlineMs, () =>
        end({ ok: false, reason: `no answer within ${deadlineMs / 1_000} s` }),
      );
      try {
        request = posted(question, end);
      } catch (error) {
        const reason = reasonOf(error);
        disarm();
        disarm = clock.after(0, () => end({ ok: false, reason }));
      }
      return () => end();
    },
  };
}

function posted(question: WebQuestion, end: (answer: WebAnswer) => void): ClientRequest {
  const { url, headers, body, caFile } = question;
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new Error('the address must begin with https:// or http://');
  const length = { 'Content-Length': String(Buffer.byteLength(body)) };
  const options = {
    method: 'POST',
    agent: false,
    headers: { ...headers, ...length },
    ...(protocol === 'https:' ? trustOf(caFile) : {}),
  };
  const request = (protocol === 'https:' ? tlsRequest : plainRequest)(url, options, (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > LONGEST_BYTES)
        end({ ok: false, reason: `the answer is longer than ${LONGEST_BYTES / 1024} KB` });
    });
    response.on('end', () =>
      end({ ok: true, status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
    );
    response.on('error', (error) => end({ ok: false, reason: reasonOf(error) }));
    response.on('close', () => end({ ok: false, reason: 'the answer broke off' }));
  });
  request.on('error', (error) => end({ ok: false, reason: reasonOf(error) }));
  request.end(body);
  return request;
}

function trustOf(caFile: string | undefined): { minVersion: 'TLSv1.2'; ca?: string[] } {
  if (caFile === undefined) return { minVersion: 'TLSv1.2' };
  return { minVersion: 'TLSv1.2', ca: [...rootCertificates, readFileSync(caFile, 'utf8')] };
}

/** Several addresses of one name fail together, and the list of them says nothing by itself. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
