// The example of the README, word for word from the first import on: example.test.ts runs it and compares the two.

import { XiaozhiClient } from 'xiaozhi-agent';

const client = new XiaozhiClient({
  url: process.argv[2] ?? 'ws://127.0.0.1:8000/xiaozhi/v1/',
  deviceId: '02:00:00:00:00:01',
  clientId: '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10',
});

client
  .on('authenticated', ({ sessionId }) => console.log(`connected, session ${sessionId}`))
  .on('disconnected', ({ reason }) => console.log(`connection lost: ${reason}`))
  .on('reconnected', ({ outageMs, attempts }) => console.log(`back in ${outageMs} ms at attempt ${attempts}`))
  .on('message', (message) => console.log(`the server says ${message.type}`))
  .on('audio', (packet) => console.log(`an Opus packet of ${packet.length} bytes`))
  .on('error', ({ reason, message }) => console.error(`${reason}: ${message}`));

client.enableAutoReconnect();
if (await client.connect()) client.send({ type: 'listen', state: 'detect', text: 'good morning' });
process.once('SIGINT', () => void client.disconnect());
