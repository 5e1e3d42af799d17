import { useEffect, useState } from "preact/hooks";
import { readYaml, yamlOf, type Layer, type Shape } from "../../state/zonesYaml";
import { zones as words } from "../../strings/zones";
import { CopyButton } from "../../ui/CopyButton";

interface Props {
  layer: Layer;
  cameraId: string;
  shapes: readonly Shape[];
  /** How many warnings say that the file would be refused. */
  refusals: number;
  onUse: (shapes: Shape[]) => void;
}

const MOST_LINES = 18;

/** What is drawn as the file has it, to copy; and a field that takes it back. */
export function YamlPanel({ layer, cameraId, shapes, refusals, onUse }: Props) {
  const [pasted, setPasted] = useState<string | null>(null);
  useEffect(() => setPasted(null), [layer, shapes]);
  const yaml = yamlOf(layer, shapes);
  const read = pasted !== null && pasted !== yaml ? readYaml(layer, pasted, cameraId) : null;
  return (
    <section class="zones-yaml" aria-labelledby="yaml-title">
      <h3 id="yaml-title">{words.yaml}</h3>
      <p class="hint">{words.where[layer](cameraId)}</p>
      <textarea
        class="copy-field"
        aria-label={words.yamlField[layer]}
        aria-describedby="yaml-paste"
        rows={Math.min(MOST_LINES, (pasted ?? yaml).split("\n").length)}
        spellcheck={false}
        autocomplete="off"
        wrap="off"
        value={pasted ?? yaml}
        onInput={(event) => setPasted(event.currentTarget.value)}
      />
      <p class="hint" id="yaml-paste">
        {words.paste}
      </p>
      <div class="zones-read" role="status">
        {read && <p class={"trouble" in read ? "is-bad" : ""}>{"trouble" in read ? words.trouble(read.trouble) : words.readable(read.shapes.length)}</p>}
      </div>
      {read ? (
        <div class="zones-buttons">
          {"shapes" in read && (
            <button type="button" class="button button-main" onClick={() => onUse(read.shapes)}>
              {words.use}
            </button>
          )}
          <button type="button" class="button" onClick={() => setPasted(null)}>
            {words.discard}
          </button>
        </div>
      ) : (
        <CopyButton
          text={() => yaml}
          words={words.copy}
          done={refusals > 0 ? words.copiedRefused(refusals) : words.copied}
          fallback={words.copyField}
        />
      )}
    </section>
  );
}
