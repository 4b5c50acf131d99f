{{- /*
All namespaces that this chart looks after, each with its settings filled in: {"places": [...]} as YAML.
The first is the hub's own, whose team is "".
*/}}
{{- define "genkan.places" -}}
{{- $root := . }}
{{- $all := omit .Values.teamDefaults "quota" "quotaByPriority" "maxPods" "viewers" }}
{{- $own := mergeOverwrite (deepCopy $all) (deepCopy .Values.hubNamespace) }}
{{- $own = mergeOverwrite $own (dict "team" "" "namespace" .Release.Namespace "createNamespace" false) }}
{{- $places := list $own }}
{{- $taken := dict .Release.Namespace "the hub" }}
{{- range $team, $given := .Values.teams }}
{{- $namespace := ($given | default dict).namespace | default $team }}
{{- if hasKey $taken $namespace }}
{{- fail (printf "teams.%s: The namespace %s is that of %s already." $team $namespace (get $taken $namespace)) }}
{{- end }}
{{- $_ := set $taken $namespace (printf "teams.%s" $team) }}
{{- $place := mergeOverwrite (deepCopy $root.Values.teamDefaults) (deepCopy ($given | default dict)) }}
{{- $places = append $places (mergeOverwrite $place (dict "team" $team "namespace" $namespace "servers" true)) }}
{{- end }}
{{- dict "places" $places | toYaml }}
{{- end }}
