// The smallest name service there can be: one answer for one question. Knows no sockets.

/** RFC 1035 §4.1.1: header of 12 bytes; §4.1.4: the name is the question's, at that offset. */
const HEADER_BYTES = 12;
const NAME_OF_QUESTION = [0xc0, HEADER_BYTES];
const TYPE_A = 1;
const CLASS_IN = 1;

/** Every name has this IPv4 address and nothing else; nobody is to remember it. */
export function dnsAnswer(question: Buffer, address: string): Buffer {
  // The name ends with an empty label; type and class follow it.
  const end = question.indexOf(0, HEADER_BYTES) + 1 + 4;
  const asked = question.subarray(HEADER_BYTES, end);
  const hasAnswer = asked.readUInt16BE(asked.length - 4) === TYPE_A;
  const header = Buffer.alloc(HEADER_BYTES);
  question.copy(header, 0, 0, 2);
  // A response, recursion wanted and available, no error.
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
  if (!hasAnswer) return Buffer.concat([header, asked]);
  const record = [...NAME_OF_QUESTION, 0, TYPE_A, 0, CLASS_IN, 0, 0, 0, 0, 0, 4];
  return Buffer.concat([header, asked, Buffer.from([...record, ...address.split('.').map(Number)])]);
}
