/** What every view is given. The rest comes from the app's context. */
export interface ViewProps {
  /** Its own part of the address; to change it, `navigate(searchOf(view, params))`. */
  params: URLSearchParams;
}
