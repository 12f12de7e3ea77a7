// Which lines the configuration asks for, and with what each is read. Builds them and starts nothing.
import { evdevButton } from '../adapters/linux/evdev-button.ts';
import { gpiodButton } from '../adapters/linux/gpiod-button.ts';
import { onoffButton } from '../adapters/linux/onoff-button.ts';
import { rpioButton } from '../adapters/linux/rpio-button.ts';
import { Line } from '../button/line.ts';
import { pinName } from '../config/pins.ts';
import type { Config } from '../config/schema.ts';
import type { PanelLine, Role } from '../panel.ts';
import type { Button, Clock, Log } from '../ports.ts';

type Parts = { readonly clock: Clock; readonly log: Log };

export function panelLines({ button }: Config, parts: Parts): readonly PanelLine[] {
  const keys: readonly (readonly [Role, number])[] = [
    ['volume up', button.volumeUpGpio],
    ['volume down', button.volumeDownGpio],
    ['stop', button.stopGpio],
    [button.muteKind === 'switch' ? 'mute switch' : 'mute key', button.muteGpio],
  ];
  const wake = wakeCandidates(button, parts.clock);
  return [
    ...(wake.length === 0 ? [] : [panelLine('button', wake, parts)]),
    ...keys.flatMap(([role, gpio]) =>
      gpio === 0 ? [] : [panelLine(role, pinCandidates(button, gpio, parts.clock), parts)],
    ),
  ];
}

function panelLine(role: Role, candidates: readonly Button[], parts: Parts): PanelLine {
  const kind = role === 'mute switch' ? 'switch' : 'button';
  return { role, line: new Line({ name: role, candidates, kind, ...parts }) };
}

function wakeCandidates(button: Config['button'], clock: Clock): readonly Button[] {
  if (button.backend === 'none') return [];
  if (button.backend === 'evdev')
    return [evdevButton({ device: button.evdevDevice, keyCode: button.keyCode, clock })];
  return pinCandidates(button, button.gpio, clock);
}

/** Keys are on the header whatever the button itself is. */
function pinCandidates(button: Config['button'], gpio: number, clock: Clock): readonly Button[] {
  const { backend, chip, active, pull, debounceMs } = button;
  const against = active === 'low' ? 'up' : 'down';
  const wish = { activeLow: active === 'low', pull: pull === 'auto' ? against : pull, debounceMs };
  const options = { ...wish, gpio, chip, line: pinName(gpio), clock };
  switch (backend) {
    case 'gpiod':
      return [gpiodButton(options)];
    case 'onoff':
      return [onoffButton(options)];
    case 'rpio':
      return [rpioButton(options)];
    case 'auto':
    case 'evdev':
    case 'none':
      return [gpiodButton(options), onoffButton(options), rpioButton(options)];
  }
}
