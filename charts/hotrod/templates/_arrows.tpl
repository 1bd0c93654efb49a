{{/*
The arrows of the design, as JSON: a list of {from, to, port}. The one source of the network policies. `from` and `to` are
components, or `outside` (whoever comes in), `database` (the external one), `backend` (telemetry that leaves), `prometheus`,
`webhook` (where alerts are posted).
*/}}
{{- define "hotrod.arrows" -}}
{{- $root := . -}}
{{- $values := .Values -}}
{{- $arrows := list -}}
{{- $senders := list -}}
{{- $frontendPort := (include "hotrod.serviceValues" (dict "root" . "name" "frontend") | fromJson).port -}}
{{- range $name := keys $values.services | sortAlpha }}
{{- $service := include "hotrod.serviceValues" (dict "root" $root "name" $name) | fromJson }}
{{- $senders = append $senders (dict "from" $name "port" 4318) }}
{{- if $values.flags.enabled }}{{ $arrows = append $arrows (dict "from" $name "to" "flagd" "port" 8015) }}{{ end }}
{{- range $service.calls }}
{{- $called := include "hotrod.serviceValues" (dict "root" $root "name" .) | fromJson }}
{{- $arrows = append $arrows (dict "from" $name "to" . "port" $called.port) }}
{{- end }}
{{- if $service.database }}
{{- $arrows = append $arrows (ternary (dict "from" $name "to" "postgres" "port" 5432) (dict "from" $name "to" "database" "port" $values.externalDatabase.port) $values.postgres.enabled) }}
{{- end }}
{{- end }}
{{- if and $values.istio.enabled $values.istio.canary.enabled }}
{{- /* The canary has the arrows of the customer service. */}}
{{- range $arrows }}
{{- if eq .from "customer" }}{{ $arrows = append $arrows (merge (dict "from" "customer-canary") .) }}{{ end }}
{{- if eq .to "customer" }}{{ $arrows = append $arrows (merge (dict "to" "customer-canary") .) }}{{ end }}
{{- end }}
{{- $senders = append $senders (dict "from" "customer-canary" "port" 4318) }}
{{- end }}
{{- $arrows = append $arrows (dict "from" "outside" "to" "frontend" "port" $frontendPort) }}
{{- $arrows = append $arrows (dict "from" "test" "to" "frontend" "port" $frontendPort) }}
{{- if ne $values.load.mode "off" }}
{{- $arrows = append $arrows (dict "from" "load" "to" "frontend" "port" $frontendPort) }}
{{- with include "hotrod.grpcTaker" $root }}{{ $arrows = append $arrows (dict "from" "load" "to" . "port" 4317) }}{{ end }}
{{- end }}
{{- $taker := ternary "otel-collector" (ternary "observatory" "" $values.observatory.enabled) $values.collector.enabled -}}
{{- if $values.otlpEndpoint }}{{ $taker = "backend" }}{{ end -}}
{{- if $taker }}
{{- range $senders }}
{{- $arrows = append $arrows (merge (dict "to" $taker) .) }}
{{- end }}
{{- end }}
{{- if $values.collector.enabled }}
{{- $last := ternary "otel-collector-gateway" "otel-collector" (eq $values.collector.mode "agent") }}
{{- if eq $values.collector.mode "agent" }}
{{- $arrows = append $arrows (dict "from" "otel-collector" "to" $last "port" 4317) }}
{{- end }}
{{- if $values.observatory.enabled }}
{{- $arrows = append $arrows (dict "from" $last "to" "observatory" "port" 4318) }}
{{- end }}
{{- if or $values.collector.backend.endpoint $values.collector.honeycomb.existingSecret }}
{{- $arrows = append $arrows (dict "from" $last "to" "backend") }}
{{- end }}
{{- end }}
{{- if $values.observatory.enabled }}
{{- $arrows = append $arrows (dict "from" "outside" "to" "observatory" "port" 8088) }}
{{- $arrows = append $arrows (dict "from" "test" "to" "observatory" "port" 8088) }}
{{- if $values.observatory.alertWebhookSecret }}{{ $arrows = append $arrows (dict "from" "observatory" "to" "webhook") }}{{ end }}
{{- end }}
{{- if $values.monitoring.monitors.enabled }}
{{- if $values.observatory.enabled }}{{ $arrows = append $arrows (dict "from" "prometheus" "to" "observatory" "port" 8088) }}{{ end }}
{{- if $values.collector.enabled }}
{{- $measured := ternary "otel-collector-gateway" "otel-collector" (eq $values.collector.mode "agent") }}
{{- $arrows = append $arrows (dict "from" "prometheus" "to" $measured "port" 8889) }}
{{- range uniq (list "otel-collector" $measured) }}
{{- $arrows = append $arrows (dict "from" "prometheus" "to" . "port" 8888) }}
{{- end }}
{{- end }}
{{- end }}
{{- $arrows | toJson -}}
{{- end -}}

{{/* The component that takes what k6 measures, by OTLP over gRPC; nothing where there is none. */}}
{{- define "hotrod.grpcTaker" -}}
{{- if .Values.collector.enabled }}otel-collector{{ else if .Values.observatory.enabled }}observatory{{ end -}}
{{- end -}}

{{/* dict root end → the other end of an arrow as network policy peers (JSON); null for anywhere. */}}
{{- define "hotrod.peers" -}}
{{- $values := .root.Values -}}
{{- $outside := dict "outside" $values.networkPolicy.ingressFrom "database" $values.externalDatabase.networkPolicyPeers "backend" $values.collector.networkPolicyPeers "prometheus" $values.monitoring.networkPolicyPeers "webhook" list -}}
{{- if hasKey $outside .end -}}
{{- index $outside .end | default nil | toJson -}}
{{- else -}}
{{- list (dict "podSelector" (dict "matchLabels" (include "hotrod.selectorLabels" (dict "root" .root "component" .end) | fromYaml))) | toJson -}}
{{- end -}}
{{- end -}}
