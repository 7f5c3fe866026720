{{/* The name of the chart, at most 63 characters as DNS labels demand. */}}
{{- define "leadgate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of everything in a release. 52 characters at most: the pod, its revision label and "-headless" must still fit. */}}
{{- define "leadgate.fullname" -}}
{{- $name := include "leadgate.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "leadgate.headlessName" -}}
{{- printf "%s-headless" (include "leadgate.fullname" .) -}}
{{- end -}}

{{/* What selects the pod. Immutable in a StatefulSet: never add to it. */}}
{{- define "leadgate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "leadgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "leadgate.labels" -}}
{{ include "leadgate.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "leadgate.serviceAccountName" -}}
{{- default (ternary (include "leadgate.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "leadgate.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Host and port to bind: an IPv6 address goes into brackets. Takes (list values port). */}}
{{- define "leadgate.bind" -}}
{{- $host := (index . 0).bindAddress -}}
{{- printf "%s:%d" (ternary (printf "[%s]" $host) $host (contains ":" $host)) (index . 1 | int) -}}
{{- end -}}

{{/* The ConfigMap the pod mounts; empty when nothing differs from the defaults. */}}
{{- define "leadgate.configMapName" -}}
{{- if .Values.existingConfigMap -}}
{{- .Values.existingConfigMap -}}
{{- else if or .Values.policy .Values.config -}}
{{- include "leadgate.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* What the schema cannot say, because it compares two values. */}}
{{- define "leadgate.checkValues" -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (add (int .Values.drainDeadlineSeconds) 10 | int) -}}
{{- fail (printf "terminationGracePeriodSeconds (%d) must be at least drainDeadlineSeconds (%d) + 10" (int .Values.terminationGracePeriodSeconds) (int .Values.drainDeadlineSeconds)) -}}
{{- end -}}
{{- if and .Values.existingConfigMap (or .Values.policy .Values.config) -}}
{{- fail "existingConfigMap replaces policy and config: set either it or them" -}}
{{- end -}}
{{- end -}}
