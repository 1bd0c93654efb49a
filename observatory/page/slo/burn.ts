/** A burn rate as text: `0`, `0.4×`, `12×`. Pure. */
export function burnWord(rate: number): string {
  if (rate === 0) return '0';
  return `${rate >= 10 ? Math.round(rate) : Number(rate.toPrecision(2))}×`;
}
