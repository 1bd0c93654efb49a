const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** The short name of a severity number (OpenTelemetry logs data model, "Displaying Severity"). */
export function severityName(severityNumber: number): string {
  if (severityNumber < 1 || severityNumber > 24) return '';
  const rank = (severityNumber - 1) % 4;
  return `${severities[Math.floor((severityNumber - 1) / 4)]}${rank === 0 ? '' : rank + 1}`;
}
