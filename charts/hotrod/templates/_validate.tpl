{{/* What a schema of single values cannot say: which of them contradict each other. Each names the key and the mend. */}}
{{- define "hotrod.validate" -}}
{{- $values := .Values -}}
{{- if and (not $values.postgres.enabled) (not $values.externalDatabase.existingSecret) (ne (include "hotrod.databaseServices" .) "[]") -}}
{{- fail "postgres.enabled is false, so externalDatabase.existingSecret has to name a Secret with the keys customer-url and driver-url." -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.hosts.frontend) (not $values.ingress.hosts.observatory) -}}
{{- fail "ingress.enabled is true, but neither ingress.hosts.frontend nor ingress.hosts.observatory is set." -}}
{{- end -}}
{{- if and $values.gatewayApi.enabled (not $values.gatewayApi.parentRefs) -}}
{{- fail "gatewayApi.enabled is true, so gatewayApi.parentRefs has to name the Gateway, for example [{name: gateway, namespace: infra}]." -}}
{{- end -}}
{{- if and (eq $values.collector.mode "single") (gt (int $values.collector.replicas) 1) (eq $values.collector.sampling.mode "tail") -}}
{{- fail "collector.sampling.mode is tail, which needs all spans of a trace in one Collector: set collector.mode to agent, or collector.replicas to 1." -}}
{{- end -}}
{{- if and $values.istio.canary.enabled (not $values.istio.enabled) -}}
{{- fail "istio.canary.enabled is true, but istio.enabled is not: it is Istio that shares the requests out." -}}
{{- end -}}
{{- if and $values.istio.canary.enabled $values.rollouts.enabled -}}
{{- fail "istio.canary.enabled and rollouts.enabled are both true, and both make a canary of the customer service: choose one." -}}
{{- end -}}
{{- if and $values.rollouts.enabled (include "hotrod.serviceValues" (dict "root" . "name" "customer") | fromJson).autoscaling.enabled -}}
{{- fail "rollouts.enabled is true, so services.customer.autoscaling has to be off: it would scale the Deployment, which runs no pods then." -}}
{{- end -}}
{{- end -}}
