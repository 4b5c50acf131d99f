{{- define "genkan.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: genkan
{{- end }}

{{- /* Names of what belongs to no namespace: two hubs on one cluster are two releases. */}}
{{- define "genkan.clusterName" -}}
{{ .Release.Name }}-{{ .Release.Namespace | trunc 30 | trimSuffix "-" }}
{{- end }}

{{- define "genkan.hubSubject" -}}
- kind: ServiceAccount
  name: {{ .Values.hub.serviceAccount.name }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* A rule of a role for a row of files/rights.yaml, where a resource is written NAME.GROUP as kubectl does. */}}
{{- define "genkan.rule" -}}
{{- $parts := splitn "." 2 .resource -}}
- apiGroups: [{{ $parts._1 | default "" | quote }}]
  resources: [{{ $parts._0 | quote }}]
  verbs: [{{ .verbs | join ", " }}]
{{- end }}
