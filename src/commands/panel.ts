// Which lines the configuration asks for, and with what each is read. Builds them and starts nothing.
import { evdevButton } from '../adapters/linux/evdev-button.ts';
import { gpiodButton } from '../adapters/linux/gpiod-button.ts';
import { GpiodPrograms } from '../adapters/linux/gpiod-programs.ts';
import type { LineWish } from '../adapters/linux/gpiod-tools.ts';
import { onoffButton } from '../adapters/linux/onoff-button.ts';
import { rpioButton } from '../adapters/linux/rpio-button.ts';
import { Line } from '../button/line.ts';
import { pinName } from '../config/pins.ts';
import type { Config } from '../config/schema.ts';
import type { PanelLine, Role } from '../panel.ts';
import type { Button, Clock, Log } from '../ports.ts';

type Common = { readonly clock: Clock; readonly programs: GpiodPrograms };
type Parts = { readonly clock: Clock; readonly log: Log };

export function panelLines({ button }: Config, parts: Parts): readonly PanelLine[] {
  const keys: readonly (readonly [Role, number])[] = [
    ['volume up', button.volumeUpGpio],
    ['volume down', button.volumeDownGpio],
    ['stop', button.stopGpio],
    [button.muteKind === 'switch' ? 'mute switch' : 'mute key', button.muteGpio],
  ];
  const common = { clock: parts.clock, programs: new GpiodPrograms() };
  const wake = wakeCandidates(button, common);
  return [
    ...(wake.length === 0 ? [] : [panelLine('button', wake, parts)]),
    ...keys.flatMap(([role, gpio]) =>
      gpio === 0 ? [] : [panelLine(role, pinCandidates(button, gpio, common), parts)],
    ),
  ];
}

function panelLine(role: Role, candidates: readonly Button[], parts: Parts): PanelLine {
  const kind = role === 'mute switch' ? 'switch' : 'button';
  return { role, line: new Line({ name: role, candidates, kind, ...parts }) };
}

function wakeCandidates(button: Config['button'], common: Common): readonly Button[] {
  if (button.backend === 'none') return [];
  if (button.backend === 'evdev')
    return [evdevButton({ device: button.evdevDevice, keyCode: button.keyCode, clock: common.clock })];
  return pinCandidates(button, button.gpio, common);
}

/** Keys are on the header whatever the button itself is. */
function pinCandidates(button: Config['button'], gpio: number, common: Common): readonly Button[] {
  const { backend, chip } = button;
  const options = { ...wishOf(button), gpio, chip, line: pinName(gpio), ...common };
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

/** What is not connected is pulled to where it is not pressed, unless somebody knows better. */
export function wishOf({ active, pull, debounceMs }: Config['button']): LineWish {
  const against = active === 'low' ? 'up' : 'down';
  return { activeLow: active === 'low', pull: pull === 'auto' ? against : pull, debounceMs };
}
