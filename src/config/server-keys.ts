// The keys of whom the box talks to and who it is to them. A part of the schema, which says what holds for all keys.
import { isAddress, noCredentials, optionalPath, plainAddress } from './address.ts';
import { flag, oneOf, text } from './key.ts';

export const server = {
  websocket_url: text({
    preset: '',
    expects: 'an address that starts with ws:// or wss://, or ""',
    accepts: isAddress(['ws:', 'wss:']),
    refuses: noCredentials,
    mayShow: plainAddress,
    meaning:
      'Server to talk to, whatever `ota_url` says. Both empty: not configured; the box runs and says so.',
    example: '"ws://192.168.1.20:8000/xiaozhi/v1/"',
  }),
  ota_url: text({
    preset: '',
    expects: 'an address that starts with https:// or http://, or ""',
    accepts: isAddress(['https:', 'http:']),
    refuses: noCredentials,
    mayShow: plainAddress,
    meaning:
      'Whom to ask for the server, its token and an activation code (the configuration call). Empty: nobody.',
    example: '"https://api.tenclass.net/xiaozhi/ota/"',
  }),
  allow_http_move: flag(false, {
    meaning:
      'Let an answer that came over plain http, which anybody on the way can change, send the box to another server.',
    example: 'true',
  }),
  language: oneOf(['zh-CN', 'en-US'], 'en-US', {
    meaning:
      'Of what the server writes to people, and of spoken digits unless `sounds.language` says otherwise.',
    example: '"zh-CN"',
  }),
  serial_number: text({
    preset: '',
    expects: '32 letters and digits, or ""',
    // protocol.md §1.1: a serial number has 32 characters.
    accepts: (value) => value === '' || /^[0-9A-Za-z-]{32}$/.test(value),
    meaning:
      'Of a board that proves who it is when it is activated. Empty: an owner enters a code, which suffices.',
    example: '"0123456789abcdef0123456789ABCDEF"',
  }),
  serial_key_file: text({
    preset: '',
    expects: 'an absolute path, or ""',
    accepts: optionalPath,
    mayShow: () => false,
    meaning: 'File that holds the secret of `serial_number` (mode 0600).',
    example: '"/etc/xiaozhi-agent/serial-key"',
  }),
  token_file: text({
    preset: '',
    expects: 'an absolute path, or ""',
    accepts: optionalPath,
    // Whoever pastes the token itself here must not find it in the log.
    mayShow: () => false,
    meaning:
      'File that holds the access token and nothing else (mode 0600). Empty: the one that `ota_url` gives, if any.',
    example: '"/etc/xiaozhi-agent/token"',
  }),
  ca_file: text({
    preset: '',
    expects: 'an absolute path, or ""',
    accepts: optionalPath,
    meaning: 'Certificate authority (PEM) to trust besides the well-known ones, for a server of your own.',
    example: '"/etc/xiaozhi-agent/ca.pem"',
  }),
  protocol_version: oneOf([1, 2, 3], 1, {
    meaning: 'Binary framing of the audio: 1 bare Opus packets, 2 and 3 with a header.',
    example: '3',
  }),
  device_id: text({
    preset: '',
    expects: 'a unicast MAC address such as "02:11:22:33:44:55", or ""',
    // protocol.md §1.1: servers refuse multicast addresses, those whose second digit is odd.
    accepts: (value) => value === '' || /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(value),
    lowerCase: true,
    meaning: 'Identity shown to the server. Empty: derived from the machine and kept.',
    example: '"02:11:22:33:44:55"',
  }),
  client_id: text({
    preset: '',
    expects: 'a UUID, or ""',
    accepts: (value) => value === '' || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
    // protocol.md §1.1: tokens are bound to the exact text, which is lower case.
    lowerCase: true,
    meaning: 'Second half of the identity; tokens are bound to it. Empty: generated once and kept.',
    example: '"7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10"',
  }),
} as const;
