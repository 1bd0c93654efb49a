{{/*
dict root component service values version → the environment of a service as JSON: what the chart knows, under what the values say.
*/}}
{{- define "hotrod.serviceEnv" -}}
{{- $root := .root -}}
{{- $service := .values -}}
{{- $fullname := include "hotrod.componentName" . -}}
{{- $attributes := dict
  "service.version" .version
  "vcs.ref.head.revision" (include "hotrod.revision" (dict "root" $root "service" $service))
  "k8s.deployment.name" $fullname
-}}
{{- $env := dict
  "HOST" "0.0.0.0"
  "PORT" (toString $service.port)
  "DRAIN_MS" (mul $service.drainSeconds 1000 | toString)
  "OTEL_SERVICE_NAME" .service
  "OTEL_RESOURCE_ATTRIBUTES" (include "hotrod.resourceAttributes" (dict "root" $root "component" .service "attributes" $attributes))
-}}
{{- with include "hotrod.otlpEndpoint" $root }}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . }}
{{- else }}
{{- $_ := set $env "OTEL_SDK_DISABLED" "true" }}
{{- end -}}
{{- if $root.Values.flags.enabled }}
{{- $_ := set $env "FLAGD_HOST" (include "hotrod.componentName" (dict "root" $root "component" "flagd")) }}
{{- $_ := set $env "FLAGD_SYNC_PORT" "8015" }}
{{- end -}}
{{- if $service.database }}
{{- $_ := set $env "DATABASE_START_TIMEOUT_MS" "60000" }}
{{- end -}}
{{- range $service.calls }}
{{- $called := include "hotrod.serviceValues" (dict "root" $root "name" .) | fromJson }}
{{- $_ := set $env (printf "%s_URL" (upper .)) (printf "http://%s:%v" (include "hotrod.componentName" (dict "root" $root "component" .)) $called.port) }}
{{- end -}}
{{- if and (eq .component "frontend") $root.Values.observatory.enabled }}
{{- $_ := set $env "TRACE_URL" (printf "%s/trace/{traceId}" (include "hotrod.observatoryUrl" $root)) }}
{{- $_ := set $env "OBSERVATORY_URL" (include "hotrod.observatoryUrl" $root) }}
{{- end -}}
{{- /* Names that requests may come under; those with `.svc` and IP addresses are taken anyway. */ -}}
{{- $hosts := list (printf "%s.%s" $fullname $root.Release.Namespace) -}}
{{- if eq .component "frontend" }}
{{- $hosts = concat $hosts (list (ternary $root.Values.ingress.hosts.frontend "" $root.Values.ingress.enabled) (ternary $root.Values.gatewayApi.hosts.frontend "" $root.Values.gatewayApi.enabled)) }}
{{- end -}}
{{- $_ := set $env "ALLOWED_HOSTS" (join "," ($hosts | compact | uniq)) -}}
{{- mergeOverwrite $env $service.env | toJson -}}
{{- end -}}

{{/* dict root service → DATABASE_URL: of the demo's Postgres, or whole from the Secret of the external one. */}}
{{- define "hotrod.databaseEnv" -}}
{{- if .root.Values.postgres.enabled -}}
- name: DATABASE_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "hotrod.postgresSecret" .root }}, key: {{ .service }}-password } }
- name: DATABASE_URL
  value: postgres://{{ .service }}:$(DATABASE_PASSWORD)@{{ include "hotrod.componentName" (dict "root" .root "component" "postgres") }}:5432/hotrod
{{- else -}}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ .root.Values.externalDatabase.existingSecret }}, key: {{ .service }}-url } }
{{- end -}}
{{- end -}}

{{/* The values of the canary of the customer service, as JSON: that service's own, but for image, settings and pods. */}}
{{- define "hotrod.canaryValues" -}}
{{- $canary := .Values.istio.canary -}}
{{- $service := include "hotrod.serviceValues" (dict "root" . "name" "customer") | fromJson -}}
{{- $own := dict "replicas" $canary.replicas "env" $canary.env "podDisruptionBudget" false "autoscaling" (dict "enabled" false) -}}
{{- if or $canary.image.tag $canary.image.digest -}}
{{- $_ := set $own "image" (dict "tag" $canary.image.tag "digest" $canary.image.digest "revision" "") -}}
{{- $_ := set $own "version" "" -}}
{{- end -}}
{{- mustMergeOverwrite $service $own | toJson -}}
{{- end -}}
