{{/* dict context spec → what a container of k6 and a pod of a TestRun have in common; `spec` says which of the two. */}}
{{- define "hotrod.k6" -}}
{{- $root := .context.root -}}
{{- $load := $root.Values.load -}}
{{- $frontend := include "hotrod.serviceValues" (dict "root" $root "name" "frontend") | fromJson -}}
{{- $env := dict
  "BASE_URL" (printf "http://%s:%v" (include "hotrod.componentName" (dict "root" $root "component" "frontend")) $frontend.port)
  "PROFILE" $load.profile
  "K6_NO_USAGE_REPORT" "true"
-}}
{{- if $load.rate }}{{ $_ := set $env "RATE" $load.rate }}{{ end -}}
{{- if $load.seconds }}{{ $_ := set $env "PROFILE_SECONDS" $load.seconds }}{{ end -}}
{{- with include "hotrod.grpcTaker" $root }}
{{- /* What k6 measures goes the way of all telemetry. */ -}}
{{- $env = merge $env (dict
  "K6_OUT" "opentelemetry"
  "K6_OTEL_SERVICE_NAME" "k6"
  "K6_OTEL_METRIC_PREFIX" "k6."
  "K6_OTEL_GRPC_EXPORTER_ENDPOINT" (printf "%s:4317" (include "hotrod.componentName" (dict "root" $root "component" .)))
  "K6_OTEL_GRPC_EXPORTER_INSECURE" "true"
  "K6_OTEL_EXPORT_INTERVAL" "5s"
) }}
{{- end -}}
{{- $env = mergeOverwrite (dict "GOMEMLIMIT" "120MiB") $env $load.env -}}
image: {{ include "hotrod.reference" $load.image }}
imagePullPolicy: {{ $load.image.pullPolicy }}
env:
  {{- include "hotrod.env" $env | trim | nindent 2 }}
resources:
  {{- toYaml $load.resources | nindent 2 }}
volumeMounts:
  - { name: loadgen, mountPath: /loadgen, readOnly: true }
  - { name: tmp, mountPath: /tmp }
{{- if eq .spec "testrun" }}
metadata:
  labels:
    {{- include "hotrod.podLabels" .context | nindent 4 }}
{{- $pod := include "hotrod.podSpec" .context | fromYaml }}
{{ toYaml (pick $pod "serviceAccountName" "securityContext" "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "priorityClassName") }}
automountServiceAccountToken: 'false'
containerSecurityContext:
  {{- include "hotrod.securityContext" . | nindent 2 }}
volumes:
  {{- include "hotrod.k6Volumes" .context | nindent 2 }}
{{- else }}
securityContext:
  {{- include "hotrod.securityContext" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
{{- if eq $load.mode "deployment" }}
{{- range $probe, $every := dict "startupProbe" 2 "readinessProbe" 30 "livenessProbe" 30 }}
{{ $probe }}:
  exec: { command: [k6, status] }
  periodSeconds: {{ $every }}
  timeoutSeconds: 10
  failureThreshold: {{ ternary 30 3 (eq $probe "startupProbe") }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* dict root component → the volumes of k6: the files under their own paths, and room to write. */}}
{{- define "hotrod.k6Volumes" -}}
- name: loadgen
  configMap:
    name: {{ include "hotrod.componentName" . }}
    items:
      {{- range $path, $_ := .root.Files.Glob "files/loadgen/**.ts" }}
      {{- $path = trimPrefix "files/loadgen/" $path }}
      - { key: {{ replace "/" "_" $path }}, path: {{ $path }} }
      {{- end }}
- { name: tmp, emptyDir: { sizeLimit: 64Mi } }
{{- end -}}
