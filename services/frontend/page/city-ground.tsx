import type { CityPlan } from './city-plan.ts';

/** Room around the city for marks that lie on its edge. */
const margin = 16;

/** The part of the plane that both drawings of the city show, and a place in it in parts of its width and height. */
export function viewOf({ width, height }: { width: number; height: number }) {
  const [fullWidth, fullHeight] = [width + 2 * margin, height + 2 * margin];
  return {
    viewBox: `${-margin} ${-margin} ${fullWidth} ${fullHeight}`,
    longerSide: Math.max(fullWidth, fullHeight),
    across: (x: number): number => (x + margin) / fullWidth,
    down: (y: number): number => (y + margin) / fullHeight,
  };
}

/** Streets, parks and the river: a picture of its own that nothing makes the browser draw again. */
export function CityGround({ plan }: { plan: CityPlan }) {
  const { verticals, horizontals, parks, river } = plan;
  const lines = (isAvenue: boolean): string =>
    [
      ...verticals.filter((street) => street.isAvenue === isAvenue).map(({ at }) => `M${at} ${-margin}V${bottom}`),
      ...horizontals.filter((street) => street.isAvenue === isAvenue).map(({ at }) => `M${-margin} ${at}H${right}`),
    ].join('');
  const [right, bottom] = [plan.width + margin, plan.height + margin];
  return (
    <svg class="city-ground" viewBox={viewOf(plan).viewBox} aria-hidden="true">
      <rect class="blocks" x={-margin} y={-margin} width={plan.width + 2 * margin} height={plan.height + 2 * margin} />
      {parks.map(({ x, y, width, height }) => (
        <rect key={`${x} ${y}`} class="park" x={x} y={y} width={width} height={height} />
      ))}
      <path class="river" d={smooth(river)} />
      <path class="street" d={lines(false)} />
      <path class="street avenue" d={lines(true)} />
    </svg>
  );
}

/** A curve through the middles between points, as an SVG path. */
function smooth(points: readonly { x: number; y: number }[]): string {
  const [first, ...others] = points;
  if (first === undefined) return '';
  const curves = others.slice(0, -1).map((point, index) => {
    const next = others[index + 1] ?? point;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return `M${first.x} ${first.y}${curves.join('')}`;
}
