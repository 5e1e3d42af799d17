import "../../styles/charts.css";
import { may, navigate, useApp } from "../../app/context";
import {
  CHARTS,
  chartsChoice,
  chartsSearch,
  newestBins,
  PLANS,
  SPANS,
  zonesOf,
  type ChartName,
  type ChartsChoice,
} from "../../state/charts";
import { csvName } from "../../state/chartsTable";
import { charts as words } from "../../strings/charts";
import type { ViewProps } from "../view";
import { ChartCard } from "./ChartCard";
import { CostPanel } from "./CostPanel";
import { useChartsData } from "./data";
import { Patterns } from "./patterns";
import * as shown from "./shown";

/** What the site saw, told and held back over a span of site time. */
export function ChartsView({ params }: ViewProps) {
  const { me, site, zone } = useApp();
  const choice = chartsChoice(params);
  const { span, camera } = choice;
  const { stats, latency, listings } = useChartsData(choice);
  const by = words.by[PLANS[span].hours]!;

  const common = (name: ChartName) => ({
    title: words.titles[name],
    asTable: choice.tables.includes(name),
    fileName: csvName(site.name, camera, name, span),
    onTable: (asTable: boolean) =>
      navigate(
        chartsSearch({ ...choice, tables: CHARTS.filter((each) => (each === name ? asTable : choice.tables.includes(each))) }),
        { replace: true },
      ),
  });
  const about = { choice, zone };
  return (
    <>
      <Controls choice={choice} />
      <main id="main" class="charts-main" tabIndex={-1} aria-label={words.heading}>
        <Patterns />
        <div class="charts">
          <ChartCard
            {...common("detections")}
            by={by}
            wide
            poll={stats}
            missing={words.card.noStats}
            show={(answer) => shown.detections({ ...about, ...answer })}
          />
          <ChartCard
            {...common("alerts")}
            by={by}
            poll={listings}
            missing={words.card.noRoute}
            show={(answer) => shown.alerts({ ...about, ...answer })}
          />
          <ChartCard
            {...common("frames")}
            by={by}
            poll={stats}
            missing={words.card.noStats}
            show={(answer) => shown.frames({ ...about, ...answer })}
          />
          <div class="charts-column">
            <ChartCard
              {...common("withheld")}
              poll={listings}
              missing={words.card.noRoute}
              show={(answer) => shown.withheld({ ...about, ...answer })}
            />
            {may(me, "operator") && <CostPanel />}
          </div>
          <ChartCard
            {...common("latency")}
            poll={latency}
            missing={words.card.noRoute}
            show={(answer) => shown.latency({ ...about, ...answer })}
          />
        </div>
      </main>
    </>
  );
}

function Controls({ choice }: { choice: ChartsChoice }) {
  const { site, zone, serverNow } = useApp();
  const { span, camera } = choice;
  const isKnown = camera === null || site.cameras.some(({ camera_id }) => camera_id === camera);
  const letters = zonesOf(newestBins(PLANS[span], serverNow(), zone), zone);
  return (
    <div class="controls charts-controls" role="search" aria-label={words.controls.region}>
      <div class="segments" role="group" aria-label={words.controls.span}>
        {SPANS.map((each) => (
          <button
            type="button"
            key={each}
            title={words.controls.spanTitles[each]}
            aria-pressed={each === span}
            onClick={() => navigate(chartsSearch({ ...choice, span: each }))}
          >
            {words.controls.spans[each]}
          </button>
        ))}
      </div>
      <label class="charts-camera">
        {words.controls.camera}
        <select
          value={camera ?? ""}
          onChange={(event) => navigate(chartsSearch({ ...choice, camera: event.currentTarget.value || null }))}
        >
          <option value="">{words.controls.allCameras}</option>
          {site.cameras.map(({ camera_id, name }) => (
            <option key={camera_id} value={camera_id}>
              {name}
            </option>
          ))}
          {!isKnown && <option value={camera}>{words.controls.unknownCamera(camera)}</option>}
        </select>
      </label>
      <p class="hint">{words.controls.zone(zone, letters)}</p>
    </div>
  );
}
