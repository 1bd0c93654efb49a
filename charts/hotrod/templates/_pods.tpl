{{/*
What every pod has in common.
*/}}

{{/*
dict root component values [runAsUser] [pullSecrets] → the fields of a pod's spec beside its containers: the restricted Pod
Security Standard, a service account without a token, and where it may run.
*/}}
{{- define "hotrod.podSpec" -}}
serviceAccountName: {{ include "hotrod.componentName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .runAsUser | default 1000 }}
  runAsGroup: {{ .runAsUser | default 1000 }}
  fsGroup: {{ .runAsUser | default 1000 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The security context of every container. */}}
{{- define "hotrod.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* dict root component → one pod a node and a zone, as far as there are any. */}}
{{- define "hotrod.topologySpread" -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "hotrod.selectorLabels" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{/* A map of variables, name to value or to {valueFrom}, as the list that Kubernetes wants, sorted by name. */}}
{{- define "hotrod.env" -}}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}
- name: {{ $name }}
  {{- toYaml $value | nindent 2 }}
{{- else if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  value: {{ include "hotrod.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A value as text. Helm reads numbers as floats, and would write 1000000 as 1e+06. */}}
{{- define "hotrod.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* What a pod knows of itself, for the variables below; first in the list, since only earlier ones can be referred to. */}}
{{- define "hotrod.downwardEnv" -}}
- name: K8S_POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: K8S_POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
- name: K8S_NODE_NAME
  valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
{{- end -}}

{{/*
dict root component attributes → OTEL_RESOURCE_ATTRIBUTES of a pod with hotrod.downwardEnv. Values are percent-encoded, as
the specification of that variable asks.
*/}}
{{- define "hotrod.resourceAttributes" -}}
{{- $attributes := merge (dict) .attributes .root.Values.resourceAttributes (dict
  "deployment.environment.name" .root.Values.environment
  "k8s.cluster.name" .root.Values.clusterName
  "k8s.namespace.name" .root.Release.Namespace
  "k8s.container.name" .component
) -}}
{{- $pairs := list "k8s.pod.name=$(K8S_POD_NAME)" "k8s.pod.uid=$(K8S_POD_UID)" "k8s.node.name=$(K8S_NODE_NAME)" "service.instance.id=$(K8S_POD_UID)" -}}
{{- range $name, $value := $attributes -}}
{{- if ne (toString $value) "" }}{{ $pairs = append $pairs (printf "%s=%s" $name (include "hotrod.text" $value | urlquery | replace "+" "%20")) }}{{ end -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* Where services send their telemetry, OTLP/HTTP; empty where nobody takes it. */}}
{{- define "hotrod.otlpEndpoint" -}}
{{- if .Values.otlpEndpoint -}}
{{ .Values.otlpEndpoint }}
{{- else if .Values.collector.enabled -}}
http://{{ include "hotrod.componentName" (dict "root" . "component" "otel-collector") }}:4318
{{- else if .Values.observatory.enabled -}}
http://{{ include "hotrod.componentName" (dict "root" . "component" "observatory") }}:4318
{{- end -}}
{{- end -}}

{{/* Where people reach the Observatory. */}}
{{- define "hotrod.observatoryUrl" -}}
{{- $values := .Values -}}
{{- if $values.observatory.url -}}
{{ trimSuffix "/" $values.observatory.url }}
{{- else if and $values.ingress.enabled $values.ingress.hosts.observatory -}}
{{ ternary "https" "http" (not (empty $values.ingress.tls)) }}://{{ $values.ingress.hosts.observatory }}{{ $values.observatory.basePath }}
{{- else if and $values.gatewayApi.enabled $values.gatewayApi.hosts.observatory -}}
https://{{ $values.gatewayApi.hosts.observatory }}{{ $values.observatory.basePath }}
{{- else -}}
http://localhost:8088
{{- end -}}
{{- end -}}

{{/* Where people reach the rides page. */}}
{{- define "hotrod.ridesUrl" -}}
{{- $values := .Values -}}
{{- if and $values.ingress.enabled $values.ingress.hosts.frontend -}}
{{ ternary "https" "http" (not (empty $values.ingress.tls)) }}://{{ $values.ingress.hosts.frontend }}
{{- else if and $values.gatewayApi.enabled $values.gatewayApi.hosts.frontend -}}
https://{{ $values.gatewayApi.hosts.frontend }}
{{- else -}}
http://localhost:8080
{{- end -}}
{{- end -}}

{{/* The Secret of the demo's Postgres. */}}
{{- define "hotrod.postgresSecret" -}}
{{ .Values.postgres.existingSecret | default (include "hotrod.componentName" (dict "root" . "component" "postgres")) }}
{{- end -}}

{{/* The names of the services that keep data in Postgres, as JSON. */}}
{{- define "hotrod.databaseServices" -}}
{{- $names := list -}}
{{- range $name, $service := .Values.services }}{{ if $service.database }}{{ $names = append $names $name }}{{ end }}{{ end -}}
{{- $names | toJson -}}
{{- end -}}

{{/* dict root values component → a component's own service account: an identity for meshes and clouds, without a token. */}}
{{- define "hotrod.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "hotrod.metadata" (dict "root" .root "component" .component "annotations" .values.serviceAccountAnnotations) | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{/* dict root component values → the claim of a StatefulSet's volume, `data`. Its labels can never change. */}}
{{- define "hotrod.volumeClaim" -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: data
    labels:
      {{- include "hotrod.selectorLabels" . | nindent 6 }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .values.persistence.storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources: { requests: { storage: {{ .values.persistence.size }} } }
{{- end -}}
