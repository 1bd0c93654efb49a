{{/*
Names, labels and images. Every helper that needs more than the root takes a dict with `root` and what it is about.
*/}}

{{/* The front of every name: the release's. Refused where the longest name would pass the 63 characters of a DNS label. */}}
{{- define "hotrod.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if gt (len $name) 36 -}}
{{- fail (printf "The name %q is too long: at most 36 characters, since it stands before the name of every object. Choose a shorter release name, or set fullnameOverride." $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* dict root component → <release>-<component> */}}
{{- define "hotrod.componentName" -}}
{{ include "hotrod.fullname" .root }}-{{ .component }}
{{- end -}}

{{/* dict root component → the labels that find its pods; they can never change. */}}
{{- define "hotrod.selectorLabels" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{/* dict root component [version] → the labels of an object. */}}
{{- define "hotrod.labels" -}}
{{ include "hotrod.ownLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/*
dict root component [version] → the labels of a pod. Nothing of the chart's version: a new chart alone restarts nothing.
*/}}
{{- define "hotrod.podLabels" -}}
{{ include "hotrod.ownLabels" . }}
{{- if .root.Values.istio.enabled }}
sidecar.istio.io/inject: "true"
{{- end }}
{{- end -}}

{{/* dict root component [version] → what an object and its pods are both labelled with. */}}
{{- define "hotrod.ownLabels" -}}
{{ include "hotrod.selectorLabels" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: hotrod
{{- with .version }}
app.kubernetes.io/version: {{ . | replace "+" "_" | trunc 63 | quote }}
{{- end }}
owner: {{ .root.Values.owner | quote }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* dict root component → the metadata of an object; `version`, `labels` and `annotations` where there are any. */}}
{{- define "hotrod.metadata" -}}
name: {{ .name | default (include "hotrod.componentName" .) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "hotrod.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* dict repository tag digest → an image's full name; a digest stands for the tag. */}}
{{- define "hotrod.reference" -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end -}}

{{/* dict root image name → one of the suite's own images. */}}
{{- define "hotrod.ownImage" -}}
{{- $repository := .image.repository | default (printf "hotrod/%s" .name) -}}
{{- with .root.Values.image.registry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end -}}
{{- include "hotrod.reference" (dict "repository" $repository "tag" (include "hotrod.tag" .) "digest" .image.digest) -}}
{{- end -}}

{{/* dict root image → its tag. */}}
{{- define "hotrod.tag" -}}
{{ .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{/* dict root service → service.version: what is set, or the tag with its first `_` as `+`. */}}
{{- define "hotrod.version" -}}
{{- .service.version | default (include "hotrod.tag" (dict "root" .root "image" .service.image) | replace "_" "+") -}}
{{- end -}}

{{/* dict root service → the commit that its image was built from; empty where nobody knows. */}}
{{- define "hotrod.revision" -}}
{{- $tagged := splitn "_" 2 (include "hotrod.tag" (dict "root" .root "image" .service.image)) -}}
{{- if .service.image.revision -}}
{{ .service.image.revision }}
{{- else if .service.image.tag -}}
{{ index $tagged "_1" }}
{{- else -}}
{{ .root.Values.image.revision | default (index $tagged "_1") }}
{{- end -}}
{{- end -}}

{{/* dict root name → a service's values over serviceDefaults, as JSON. */}}
{{- define "hotrod.serviceValues" -}}
{{- mustMergeOverwrite (deepCopy .root.Values.serviceDefaults) (deepCopy (index .root.Values.services .name)) | toJson -}}
{{- end -}}
