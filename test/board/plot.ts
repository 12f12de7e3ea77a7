// A soak's table as a picture, drawn by gnuplot. Knows the columns and nothing else.
import { spawnSync } from 'node:child_process';

export function plot(csv: string, png: string): void {
  const panel = (title: string, column: number, scale = '') =>
    `set ylabel "${title}"; set yrange [0:*]; plot "${csv}" using ($1/3600):($${column}${scale}) every ::1 with linespoints pt 7 ps 0.5 notitle`;
  const script = [
    'set datafile separator ","',
    `set terminal pngcairo size 1000,1200; set output "${png}"`,
    'set multiplot layout 4,1; set grid; set xlabel "hours"',
    panel('RSS, MB', 4, '/1024.0'),
    panel('descriptors', 5),
    panel('children', 6),
    panel('restarts', 7),
  ].join('\n');
  const { status, error, stderr } = spawnSync('gnuplot', [], { input: script, encoding: 'utf8' });
  if (status !== 0) throw new Error(`gnuplot: ${error?.message ?? stderr}`);
  console.log(png);
}
