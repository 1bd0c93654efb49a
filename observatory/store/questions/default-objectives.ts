// Made by `npm run slo` of slo/hotrod.yaml: change that.
import type { Objective } from './objective.ts';

/** What the suite promises unless configured otherwise. */
export const defaultObjectives: readonly Objective[] = [
  {
    name: 'Dispatch latency',
    description: '95 % of dispatches are answered within 1.2 s',
    filter: 'service = "frontend" and http.route = "/dispatch"',
    good: 'duration <= 1.2s',
    objective: 0.95,
    windowMs: 86400000,
    alert: {
      name: 'DispatchLatencyBudgetBurn',
      labels: {
        slo: 'dispatch-latency',
        service: 'rides',
      },
      runbook: 'dispatch-latency-budget-burn',
      conditions: [
        {
          severity: 'page',
          burnRate: 14.4,
          longMs: 120000,
          shortMs: 60000,
          afterMs: 60000,
        },
        {
          severity: 'page',
          burnRate: 6,
          longMs: 720000,
          shortMs: 60000,
          afterMs: 60000,
        },
        {
          severity: 'ticket',
          burnRate: 1,
          longMs: 8640000,
          shortMs: 720000,
          afterMs: 60000,
        },
      ],
    },
  },
  {
    name: 'Dispatch availability',
    description: '99.5 % of dispatches succeed',
    filter: 'service = "frontend" and http.route = "/dispatch"',
    good: 'error = false',
    objective: 0.995,
    windowMs: 86400000,
    alert: {
      name: 'DispatchAvailabilityBudgetBurn',
      labels: {
        slo: 'dispatch-availability',
        service: 'rides',
      },
      runbook: 'dispatch-availability-budget-burn',
      conditions: [
        {
          severity: 'page',
          burnRate: 14.4,
          longMs: 120000,
          shortMs: 60000,
          afterMs: 60000,
        },
        {
          severity: 'page',
          burnRate: 6,
          longMs: 720000,
          shortMs: 60000,
          afterMs: 60000,
        },
        {
          severity: 'ticket',
          burnRate: 1,
          longMs: 8640000,
          shortMs: 720000,
          afterMs: 60000,
        },
      ],
    },
  },
];
