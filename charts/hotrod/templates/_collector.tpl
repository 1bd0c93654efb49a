{{/* The environment of the Collector's config.yaml, as JSON; config.yaml says what each variable means. */}}
{{- define "hotrod.collectorEnv" -}}
{{- $collector := .Values.collector -}}
{{- $backends := list "nop" -}}
{{- $env := dict
  "OTLP_HOST" "0.0.0.0"
  "HEALTH_HOST" "0.0.0.0"
  "DEPLOYMENT_ENVIRONMENT" .Values.environment
  "GOMEMLIMIT" "160MiB"
-}}
{{- if eq $collector.sampling.mode "tail" }}
{{- $_ := set $env "SLOW_TRACE_MS" $collector.sampling.slowTraceMs }}
{{- $_ := set $env "SAMPLING_PERCENTAGE" $collector.sampling.percentage }}
{{- end -}}
{{- if .Values.observatory.enabled }}
{{- $_ := set $env "OBSERVATORY_ENDPOINT" (printf "http://%s:4318" (include "hotrod.componentName" (dict "root" . "component" "observatory"))) }}
{{- else }}
{{- $_ := set $env "LOCAL_TRACE_EXPORTERS" "[spanmetrics, servicegraph]" }}
{{- $_ := set $env "LOCAL_METRIC_EXPORTERS" "[prometheus]" }}
{{- $_ := set $env "LOCAL_LOG_EXPORTERS" "[nop]" }}
{{- end -}}
{{- with $collector.backend.endpoint }}
{{- $backends = append $backends "otlp_http/backend" }}
{{- $_ := set $env "OTLP_ENDPOINT" . }}
{{- end -}}
{{- with $collector.backend.headersSecret }}
{{- $_ := set $env "OTLP_HEADERS" (dict "valueFrom" (dict "secretKeyRef" (dict "name" . "key" "headers"))) }}
{{- end -}}
{{- with $collector.honeycomb.existingSecret }}
{{- $backends = append $backends "otlp_http/honeycomb" }}
{{- $_ := set $env "HONEYCOMB_API_KEY" (dict "valueFrom" (dict "secretKeyRef" (dict "name" . "key" "api-key"))) }}
{{- $_ := set $env "HONEYCOMB_ENDPOINT" $collector.honeycomb.endpoint }}
{{- end -}}
{{- with $collector.redactionSaltSecret }}
{{- $_ := set $env "REDACTION_SALT" (dict "valueFrom" (dict "secretKeyRef" (dict "name" . "key" "salt"))) }}
{{- end -}}
{{- $_ := set $env "BACKEND_EXPORTERS" (printf "[%s]" (join ", " $backends)) -}}
{{- $env | toJson -}}
{{- end -}}

{{/* dict context args env resources ports → the container of an agent, a gateway or the single Collector, and its volumes. */}}
{{- define "hotrod.collectorContainer" -}}
{{- $collector := .context.values -}}
terminationGracePeriodSeconds: 30
containers:
  - name: otel-collector
    image: {{ include "hotrod.reference" $collector.image }}
    imagePullPolicy: {{ $collector.image.pullPolicy }}
    args:
      {{- range .args }}
      - --config=/etc/otel-collector/{{ . }}
      {{- end }}
    securityContext:
      {{- include "hotrod.securityContext" . | nindent 6 }}
    ports:
      {{- range $name, $port := .ports }}
      - { name: {{ $name }}, containerPort: {{ $port }} }
      {{- end }}
    env:
      {{- include "hotrod.env" .env | trim | nindent 6 }}
    startupProbe:
      httpGet: { path: /, port: health }
      periodSeconds: 1
      timeoutSeconds: 3
      failureThreshold: 60
    readinessProbe:
      httpGet: { path: /, port: health }
      periodSeconds: 5
      timeoutSeconds: 3
    livenessProbe:
      httpGet: { path: /, port: health }
      periodSeconds: 10
      timeoutSeconds: 5
    lifecycle:
      preStop: { sleep: { seconds: 3 } }
    terminationMessagePolicy: FallbackToLogsOnError
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      - { name: config, mountPath: /etc/otel-collector, readOnly: true }
volumes:
  - { name: config, configMap: { name: {{ include "hotrod.componentName" (dict "root" .context.root "component" "otel-collector") }} } }
{{- end -}}
